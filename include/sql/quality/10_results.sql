-- One row a check and run; of a run that was tried again, the last try. Written again, a row is the same row: read it with
-- FINAL, or by the view quality.latest.
CREATE TABLE IF NOT EXISTS quality.results
(
    at          DateTime64(6, 'UTC')     COMMENT 'When it was asked',
    dataset     LowCardinality(String)   COMMENT 'The dataset''s id',
    zone        LowCardinality(String)   COMMENT 'Where it was asked: cleaned (the lake) or served (the view here)',
    rule        LowCardinality(String)   COMMENT 'Name of the check: the contract''s rule, or what follows from the shape',
    field       LowCardinality(String)   COMMENT 'The field it is about; empty for the whole dataset',
    expectation String                   COMMENT 'What was asked: an expectation''s name, reference, freshness, or the rule''s query',
    severity    LowCardinality(String)   COMMENT 'error, warning or info',
    passed      Bool                     COMMENT 'Whether it held; false too when it could not be evaluated',
    unexpected  Nullable(UInt64)         COMMENT 'Rows that break it; null where that is no question of rows',
    observed    String                   COMMENT 'What was found, in words',
    examples    Array(String)            COMMENT 'The first failing rows as JSON; values of classified fields are not shown',
    dag_id      LowCardinality(String)   COMMENT 'DAG of the run',
    run_id      String                   COMMENT 'Id of the run'
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (dataset, zone, rule, dag_id, run_id)
TTL toDateTime(at) + INTERVAL 2 YEAR
COMMENT 'Outcome of every check, by run'
