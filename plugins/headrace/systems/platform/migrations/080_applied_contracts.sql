CREATE TABLE IF NOT EXISTS applied_contracts (
    dataset    text        PRIMARY KEY,
    shape      text        NOT NULL,
    terms      text        NOT NULL,
    contract   jsonb       NOT NULL,
    plan       bigint,
    applied_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz
);
COMMENT ON TABLE applied_contracts IS 'Each dataset''s contract as it was carried out last: what runs follows it.';
COMMENT ON COLUMN applied_contracts.shape IS 'Text of the .avsc.';
COMMENT ON COLUMN applied_contracts.terms IS 'Text of the .odcs.yaml.';
COMMENT ON COLUMN applied_contracts.contract IS 'The two, compiled.';
COMMENT ON COLUMN applied_contracts.plan IS 'The plan that carried it out.';
COMMENT ON COLUMN applied_contracts.retired_at IS 'When its files were found gone; its tables and rows stay.';
