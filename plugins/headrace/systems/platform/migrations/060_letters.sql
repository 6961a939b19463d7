-- Dead letters: what was refused, and what became of it. The records themselves are in the lake.

CREATE TABLE IF NOT EXISTS letter_batches (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    refused_by text        NOT NULL,
    topic      text        NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    done_at    timestamptz
);
COMMENT ON TABLE letter_batches IS 'Letters that are replayed together, written before the first of them is.';
COMMENT ON COLUMN letter_batches.done_at IS 'Null: begun, perhaps not ended; whoever replays next ends it first.';

CREATE TABLE IF NOT EXISTS letters (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    refused_by      text        NOT NULL,
    topic           text        NOT NULL,
    kafka_partition integer     NOT NULL,
    kafka_offset    bigint      NOT NULL,
    dataset         text        NOT NULL,
    rule            text        NOT NULL,
    reason          text        NOT NULL,
    refused_at      timestamptz NOT NULL,
    collected_at    timestamptz NOT NULL DEFAULT now(),
    state           text        NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'claimed', 'replayed', 'discarded')),
    batch           bigint      REFERENCES letter_batches,
    settled_at      timestamptz,
    tries           integer     NOT NULL DEFAULT 0,
    still           text        NOT NULL DEFAULT '',
    refined_at      timestamptz,
    UNIQUE (refused_by, topic, kafka_partition, kafka_offset)
);
COMMENT ON TABLE letters IS 'Every record that a stream or a sink refused, once for each that did.';
COMMENT ON COLUMN letters.tries IS 'How often a replay found that it still cannot be read.';
COMMENT ON COLUMN letters.still IS 'Why the last replay could not read it.';
COMMENT ON COLUMN letters.refined_at IS 'Of one replayed into raw: when a refinement took it in.';
CREATE INDEX IF NOT EXISTS letters_waiting ON letters (refused_by) WHERE state IN ('waiting', 'claimed');
CREATE INDEX IF NOT EXISTS letters_unrefined ON letters (dataset) WHERE state = 'replayed' AND refined_at IS NULL;

CREATE TABLE IF NOT EXISTS letter_places (
    topic           text    NOT NULL,
    kafka_partition integer NOT NULL,
    next_offset     bigint  NOT NULL,
    PRIMARY KEY (topic, kafka_partition)
);
COMMENT ON TABLE letter_places IS 'Up to where each dead-letter topic is collected.';
