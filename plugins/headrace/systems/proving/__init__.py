"""Proving the raw zone: every record with a value is in raw or a dead letter; what is neither is a gap."""
