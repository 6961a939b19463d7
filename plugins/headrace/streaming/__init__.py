"""Streaming from Kafka into ClickHouse (the fast lane), with one Spark driver per stream group.

`driver` is the process. Spark keeps offsets, triggers and checkpoints and plans the batches. Plain functions over Arrow
process the records: `decode` (Avro → columns), `conform` (→ the target table's types), `changes` (→ rows to insert).
`sink` writes to ClickHouse, `dead_letters` to Kafka, `heartbeat` to the platform database.
"""
