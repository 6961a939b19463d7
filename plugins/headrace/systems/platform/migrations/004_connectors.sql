CREATE TABLE IF NOT EXISTS connectors (
    name text        PRIMARY KEY,
    at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE connectors IS 'The connectors that Headrace made, and may remove.';

CREATE TABLE IF NOT EXISTS due_snapshots (
    connection   text        NOT NULL,
    source_table text        NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (connection, source_table)
);
COMMENT ON TABLE due_snapshots IS
    'Tables added to a running source connector, whose rows were not read yet.';

CREATE TABLE IF NOT EXISTS fresh_starts (
    connection text        PRIMARY KEY,
    starts     jsonb       NOT NULL,
    at         timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE fresh_starts IS
    'Source connectors that were started over and not yet reconciled with what is served.';
