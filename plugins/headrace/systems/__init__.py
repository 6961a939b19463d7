"""Clients of the external systems: one folder per system, each with a hook and its state functions."""
