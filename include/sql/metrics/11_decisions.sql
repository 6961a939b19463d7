-- What each batch of a metrics stream does not count: decided before it is counted, and the same when it is tried again.
CREATE TABLE IF NOT EXISTS metrics.decisions
(
    token        String                 COMMENT 'Names the batch',
    dead         Array(Tuple(partition Int32, offset UInt64, rule String, reason String))
                                        COMMENT 'Records that are dead letters: where they are and why',
    _inserted_at DateTime64(6, 'UTC')   DEFAULT now64(6)
)
ENGINE = MergeTree
ORDER BY token
TTL toDateTime(_inserted_at) + INTERVAL 30 DAY
COMMENT 'What each batch of a metrics stream does not count'
