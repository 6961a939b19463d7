-- Maintenance of the lake: when each table was last looked after, and what came of it.

CREATE TABLE IF NOT EXISTS maintained (
    lake_table text        PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now(),
    report     jsonb       NOT NULL
);
COMMENT ON TABLE maintained IS 'The last maintenance of each lake table.';
COMMENT ON COLUMN maintained.report IS 'How it stood before and after, or the error.';
