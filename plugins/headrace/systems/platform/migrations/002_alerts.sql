CREATE TABLE IF NOT EXISTS alerts (
    key         text        NOT NULL,
    first_seen  timestamptz NOT NULL DEFAULT now(),
    last_seen   timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz,
    times       bigint      NOT NULL DEFAULT 1,
    severity    text        NOT NULL CHECK (severity IN ('info', 'warning', 'error')),
    dataset     text        NOT NULL DEFAULT '',
    text        text        NOT NULL,
    PRIMARY KEY (key, first_seen)
);
COMMENT ON TABLE alerts IS 'What went wrong, once for each time that it began.';
COMMENT ON COLUMN alerts.key IS 'What it is about: seen again, an open alert is not raised anew.';
CREATE UNIQUE INDEX IF NOT EXISTS alerts_open ON alerts (key) WHERE resolved_at IS NULL;
