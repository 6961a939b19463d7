-- Streams: who drives a group, and the pulse of each of its queries.

CREATE TABLE IF NOT EXISTS streams (
    stream_group text        PRIMARY KEY,
    plan_version text        NOT NULL,               -- what the driver was told to run
    launched_at  timestamptz NOT NULL DEFAULT now(), -- written before the launch, so that a retry finds it
    launches     bigint      NOT NULL DEFAULT 1,
    failures     integer     NOT NULL DEFAULT 0,     -- deaths in a row, each soon after a launch
    host         text,                               -- from here on: written by the driver itself
    pid          integer,
    started_at   timestamptz,
    state        text        NOT NULL DEFAULT 'launching' CHECK (state IN ('launching', 'running', 'stopping', 'stopped')),
    settled_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS stream_heartbeats (
    stream_group   text             NOT NULL,
    query          text             NOT NULL,
    plan_version   text             NOT NULL,
    host           text             NOT NULL,
    pid            integer          NOT NULL,
    started_at     timestamptz      NOT NULL,
    at             timestamptz      NOT NULL DEFAULT now(),
    state          text             NOT NULL CHECK (state IN ('running', 'restarting', 'down')),
    batch_id       bigint,
    rows           bigint           NOT NULL DEFAULT 0, -- of the last batch
    rows_total     bigint           NOT NULL DEFAULT 0, -- since the driver started
    rows_per_s     double precision NOT NULL DEFAULT 0,
    lag            bigint           NOT NULL DEFAULT 0, -- records in Kafka that are not read yet
    dead_letters   bigint           NOT NULL DEFAULT 0, -- since the driver started
    drift          text             NOT NULL DEFAULT '', -- columns that the source has and the contract has not
    last_error     text             NOT NULL DEFAULT '',
    last_error_at  timestamptz,
    PRIMARY KEY (stream_group, query)
);
