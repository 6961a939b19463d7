-- From which snapshot of its source each metrics stream counts. When Debezium reads a table anew (a lost replication
-- slot, a snapshot that was cut short), everything is counted again from there, and the views read the newest count.
CREATE TABLE IF NOT EXISTS metrics.snapshots
(
    metrics      LowCardinality(String) COMMENT 'Name of the metrics',
    partition    Int32                  COMMENT 'Kafka partition of the fact''s topic',
    first_offset UInt64                 COMMENT 'Offset from which is counted',
    taken_at     DateTime64(6, 'UTC')   COMMENT 'When the source was read; 1970 when the stream began without a snapshot',
    _inserted_at DateTime64(6, 'UTC')   DEFAULT now64(6)
)
ENGINE = ReplacingMergeTree(_inserted_at)
ORDER BY (metrics, partition, first_offset)
COMMENT 'From which snapshot of its source each metrics stream counts'
