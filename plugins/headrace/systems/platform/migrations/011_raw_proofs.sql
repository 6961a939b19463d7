-- What the Spark job prove_raw found in each raw table.

CREATE TABLE IF NOT EXISTS raw_proofs (
    name          text        NOT NULL,
    changes       bigint      NOT NULL,
    positions     bigint      NOT NULL, -- distinct source positions; equal to changes when nothing is doubled
    newest_commit timestamptz,
    at            timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS raw_proofs_by_name ON raw_proofs (name, at DESC);
