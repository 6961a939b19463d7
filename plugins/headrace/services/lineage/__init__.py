"""Emit, store and follow OpenLineage events."""
