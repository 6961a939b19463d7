"""Emit, store and query OpenLineage events."""
