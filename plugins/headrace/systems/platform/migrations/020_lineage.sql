-- OpenLineage as stored: every event, and the graph that the events add up to.
-- Ids are derived from names (UUIDv5), so writers need no look-up and a repeated event no second row.

CREATE SCHEMA IF NOT EXISTS lineage;

CREATE TABLE IF NOT EXISTS lineage.events (
    id            uuid PRIMARY KEY,
    sequence      bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    kind          text NOT NULL CHECK (kind IN ('run', 'job', 'dataset')),
    event_type    text NOT NULL,
    event_time    timestamptz NOT NULL,
    run_id        uuid,
    job_id        uuid,
    payload       jsonb NOT NULL,
    to_forward    boolean NOT NULL DEFAULT false,
    received_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS events_to_forward ON lineage.events (sequence) WHERE to_forward;
CREATE INDEX IF NOT EXISTS events_run ON lineage.events (run_id, event_time);
CREATE INDEX IF NOT EXISTS events_job ON lineage.events (job_id, event_time);

-- What is on its way to Marquez: a window of bounded size over the events still to be forwarded.
CREATE TABLE IF NOT EXISTS lineage.outbox (
    event_id      uuid PRIMARY KEY REFERENCES lineage.events ON DELETE CASCADE,
    sequence      bigint NOT NULL,
    attempts      integer NOT NULL DEFAULT 0,
    due_at        timestamptz NOT NULL DEFAULT now(),
    last_error    text
);
CREATE INDEX IF NOT EXISTS outbox_due ON lineage.outbox (due_at, sequence);

-- What Marquez refused for good, with its reason.
CREATE TABLE IF NOT EXISTS lineage.refused (
    event_id      uuid PRIMARY KEY REFERENCES lineage.events ON DELETE CASCADE,
    reason        text NOT NULL,
    refused_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS lineage.jobs (
    id            uuid PRIMARY KEY,
    namespace     text NOT NULL,
    name          text NOT NULL,
    facets        jsonb NOT NULL DEFAULT '{}',
    declared_run  uuid,          -- set: only edges of this run count, the plan declares the job whole
    declared_at   timestamptz,
    first_seen    timestamptz NOT NULL,
    last_seen     timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS lineage.datasets (
    id            uuid PRIMARY KEY,
    namespace     text NOT NULL,
    name          text NOT NULL,
    key           text GENERATED ALWAYS AS (namespace || ':' || name) STORED,
    canonical     uuid NOT NULL, -- the dataset that this one is another name of; itself otherwise
    facets        jsonb NOT NULL DEFAULT '{}',
    first_seen    timestamptz NOT NULL,
    last_seen     timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS datasets_key ON lineage.datasets USING hash (key);
CREATE INDEX IF NOT EXISTS datasets_canonical ON lineage.datasets (canonical);

-- One row a job and pair of datasets; a side is null while the job has only been seen reading or writing.
CREATE TABLE IF NOT EXISTS lineage.edges (
    job_id        uuid NOT NULL REFERENCES lineage.jobs ON DELETE CASCADE,
    input_id      uuid REFERENCES lineage.datasets ON DELETE CASCADE,
    output_id     uuid REFERENCES lineage.datasets ON DELETE CASCADE,
    run_id        uuid,
    first_seen    timestamptz NOT NULL,
    last_seen     timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (job_id, input_id, output_id)
);
CREATE INDEX IF NOT EXISTS edges_input ON lineage.edges (input_id);
CREATE INDEX IF NOT EXISTS edges_output ON lineage.edges (output_id);

CREATE TABLE IF NOT EXISTS lineage.column_edges (
    job_id        uuid NOT NULL REFERENCES lineage.jobs ON DELETE CASCADE,
    input_id      uuid NOT NULL REFERENCES lineage.datasets ON DELETE CASCADE,
    input_field   text NOT NULL CHECK (input_field <> ''),
    output_id     uuid NOT NULL REFERENCES lineage.datasets ON DELETE CASCADE,
    output_field  text NOT NULL CHECK (output_field <> ''),
    transformation text NOT NULL DEFAULT '', -- TYPE:SUBTYPE, e.g. DIRECT:IDENTITY
    run_id        uuid,
    first_seen    timestamptz NOT NULL,
    last_seen     timestamptz NOT NULL,
    PRIMARY KEY (job_id, input_id, input_field, output_id, output_field)
);
CREATE INDEX IF NOT EXISTS column_edges_input ON lineage.column_edges (input_id, input_field);
CREATE INDEX IF NOT EXISTS column_edges_output ON lineage.column_edges (output_id, output_field);

-- What counts now, datasets under their canonical id. Fields are '' between datasets, so that one
-- walk serves both levels.
CREATE OR REPLACE VIEW lineage.links AS
SELECT e.job_id, i.canonical AS input_id, '' AS input_field, o.canonical AS output_id,
       '' AS output_field, '' AS transformation, e.last_seen
FROM lineage.edges e
JOIN lineage.jobs j ON j.id = e.job_id
LEFT JOIN lineage.datasets i ON i.id = e.input_id
LEFT JOIN lineage.datasets o ON o.id = e.output_id
WHERE j.declared_run IS NULL OR e.run_id = j.declared_run
UNION ALL
SELECT e.job_id, i.canonical, e.input_field, o.canonical, e.output_field, e.transformation,
       e.last_seen
FROM lineage.column_edges e
JOIN lineage.jobs j ON j.id = e.job_id
JOIN lineage.datasets i ON i.id = e.input_id
JOIN lineage.datasets o ON o.id = e.output_id
WHERE j.declared_run IS NULL OR e.run_id = j.declared_run;
