-- What a message about an alert needs, and what was told to whom.

ALTER TABLE alerts ADD COLUMN IF NOT EXISTS owner text NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN IF NOT EXISTS details json NOT NULL DEFAULT '[]';
ALTER TABLE alerts ADD COLUMN IF NOT EXISTS link text NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN IF NOT EXISTS lapses_at timestamptz;
COMMENT ON COLUMN alerts.owner IS 'Who answers for it; empty: the owner of the dataset.';
COMMENT ON COLUMN alerts.details IS 'The first failing rows, each an object whose fields are in order.';
COMMENT ON COLUMN alerts.link IS 'The Airflow run that raised it last.';
COMMENT ON COLUMN alerts.lapses_at IS 'Resolved by itself when it is not raised again until then; null: somebody resolves it.';

CREATE TABLE IF NOT EXISTS alerts_told (
    key        text        NOT NULL,
    first_seen timestamptz NOT NULL,
    route      text        NOT NULL,
    severity   text        NOT NULL CHECK (severity IN ('info', 'warning', 'error')),
    told_at    timestamptz NOT NULL DEFAULT now(),
    over_at    timestamptz,
    PRIMARY KEY (key, first_seen, route),
    FOREIGN KEY (key, first_seen) REFERENCES alerts (key, first_seen) ON DELETE CASCADE
);
COMMENT ON TABLE alerts_told IS 'Who was told of which alert.';
COMMENT ON COLUMN alerts_told.severity IS 'The worst that the route was told.';
COMMENT ON COLUMN alerts_told.told_at IS 'When it was last told.';
COMMENT ON COLUMN alerts_told.over_at IS 'When the route was told that it is over.';
CREATE INDEX IF NOT EXISTS alerts_told_open ON alerts_told (route) WHERE over_at IS NULL;

CREATE TABLE IF NOT EXISTS alert_routes (
    route    text        PRIMARY KEY,
    sent_at  timestamptz,
    failures integer     NOT NULL DEFAULT 0,
    since    timestamptz,
    retry_at timestamptz,
    error    text        NOT NULL DEFAULT ''
);
COMMENT ON TABLE alert_routes IS 'How each route does: failures in a row, since when, and not before when it is tried again.';
