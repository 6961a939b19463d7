"""Replay of dead letters: read like the stream, and written to the system that refused them.

It uses no Spark and no Kafka: a dead letter goes directly into raw or the warehouse, at its own position
(docs/adr/0012-letters-are-replayed-at-their-own-position.md).
"""
