"""Prove that every record with a value is in raw or a dead letter; find gaps."""
