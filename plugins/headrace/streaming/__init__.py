"""The fast lane: one Spark driver a stream group, from Kafka into ClickHouse.

`driver` is what runs. Spark keeps offsets, triggers and checkpoints and hands over raw bytes; what becomes of them is
in plain functions over Arrow: `decode` (Avro → columns), `conform` (→ the target table's types), `changes` (→ rows to
insert). `sink` talks to ClickHouse, `deadletters` to Kafka, `heartbeat` to the platform database.
"""
