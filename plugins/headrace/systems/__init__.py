"""Clients of systems: one folder per system, the same parts in each."""
