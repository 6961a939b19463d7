"""Dead letters, replayed: read as the stream reads, and put where whoever refused them would have put them.

No Spark and no Kafka take part: a letter goes straight into raw or the warehouse, at its own position
(docs/adr/0012-letters-are-replayed-at-their-own-position.md).
"""
