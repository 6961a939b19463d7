-- How far the raw zone is proven, and the records that are neither in it nor dead letters.

CREATE TABLE IF NOT EXISTS raw_proven (
    topic           text        NOT NULL,
    kafka_partition integer     NOT NULL,
    next_offset     bigint      NOT NULL,
    at              timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, kafka_partition)
);
COMMENT ON TABLE raw_proven IS 'First offset of each partition that was not compared with raw yet.';

CREATE TABLE IF NOT EXISTS raw_gaps (
    dataset         text        NOT NULL,
    topic           text        NOT NULL,
    kafka_partition integer     NOT NULL,
    first_offset    bigint      NOT NULL,
    last_offset     bigint      NOT NULL,
    records         bigint      NOT NULL,
    kind            text        NOT NULL CHECK (kind IN ('missing', 'lost', 'unproven')),
    found_at        timestamptz NOT NULL DEFAULT now(),
    closed_at       timestamptz,
    closed_by       text        CHECK (closed_by IN ('landed', 'reread', 'accepted')),
    PRIMARY KEY (topic, kafka_partition, first_offset, found_at)
);
COMMENT ON COLUMN raw_gaps.records IS 'Of records that Kafka removed: the most that there can have been.';
CREATE INDEX IF NOT EXISTS raw_gaps_open ON raw_gaps (dataset) WHERE closed_at IS NULL;
