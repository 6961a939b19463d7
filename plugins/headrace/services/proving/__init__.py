"""Prove the raw zone: every record with a value is in raw or a dead letter. What is neither is a gap."""
