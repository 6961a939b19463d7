CREATE TABLE IF NOT EXISTS plans (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now(),
    dag_run    text        NOT NULL,
    plan       jsonb       NOT NULL,
    text       text        NOT NULL,
    applied_at timestamptz,
    error      text
);
COMMENT ON TABLE plans IS 'Every plan that was made, and whether it was carried out.';
COMMENT ON COLUMN plans.error IS 'Why it was not, or not wholly, carried out.';
CREATE INDEX IF NOT EXISTS plans_at ON plans (at DESC);
