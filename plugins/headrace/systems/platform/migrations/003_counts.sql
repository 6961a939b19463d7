CREATE TABLE IF NOT EXISTS counts (
    hop     text        NOT NULL,
    name    text        NOT NULL,
    at      timestamptz NOT NULL DEFAULT now(),
    count   jsonb       NOT NULL,
    PRIMARY KEY (hop, name)
);
COMMENT ON TABLE counts IS 'What was last counted in a topic or lake table, to count on from there.';
