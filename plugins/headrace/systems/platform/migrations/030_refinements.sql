-- Refinements: what was made of the raw zone, and how far.

CREATE TABLE IF NOT EXISTS refinements (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT now(),
    dataset     text        NOT NULL,
    dag_run     text        NOT NULL,
    selection   jsonb       NOT NULL,
    changed     jsonb       NOT NULL,
    watermark   jsonb,
    published   boolean     NOT NULL,
    outcomes    jsonb       NOT NULL
);
COMMENT ON TABLE refinements IS 'Every refinement of a dataset that came to an end.';
COMMENT ON COLUMN refinements.selection IS 'Which keys it was about: {intervals}, {past} or {} for all.';
COMMENT ON COLUMN refinements.changed IS 'Zone → kind of change → rows.';
COMMENT ON COLUMN refinements.watermark IS 'Kafka partition → last offset, when all up to there is refined; else null.';
COMMENT ON COLUMN refinements.outcomes IS 'What came of every check.';
CREATE INDEX IF NOT EXISTS refinements_newest ON refinements (dataset, id DESC);
