-- Files of the landing bucket: each content once, under a number that its rows' offsets begin with.

CREATE TABLE IF NOT EXISTS landed_files (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset  text        NOT NULL,
    key      text        NOT NULL,
    etag     text        NOT NULL,
    bytes    bigint      NOT NULL,
    state    text        NOT NULL DEFAULT 'landing' CHECK (state IN ('landing', 'landed', 'refused')),
    rows     bigint,
    reason   text,
    at       timestamptz NOT NULL DEFAULT now(),
    UNIQUE (dataset, key, etag)
);
COMMENT ON TABLE landed_files IS 'Every file that was dropped for a dataset, and what became of it.';
COMMENT ON COLUMN landed_files.id IS 'Offsets of its rows begin at id × 2^32.';
COMMENT ON COLUMN landed_files.state IS 'landing: begun, perhaps not ended. landed: all rows are in raw. refused: none is.';
