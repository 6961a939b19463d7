"""Airflow's connections for this instance of the stack, the only source of addresses for DAGs."""

from __future__ import annotations

import json
from typing import Any, Final

from include.stack.logins import kafka_options
from include.stack.settings import BY_NAME, Settings
from include.stack.sockets import STANDBY, socket_path

LANDING: Final = "landing"
"""Bucket for dropped files; SeaweedFS creates it from its options file."""


def connections(s: Settings) -> list[dict[str, Any]]:
    """Return the bodies for Airflow's `POST /connections`."""
    return [
        _connection("kafka_default", "kafka", "The event backbone.", extra=kafka_options(s)),
        _connection(
            "schema_registry_default", "http", "Avro schemas (Confluent API).",
            host=s.bind, port=s.port("REGISTRY"), login="headrace", password=s["HEADRACE_PASSWORD_REGISTRY"],
            extra={"path": "/apis/ccompat/v7"},
        ),
        _connection(
            "kafka_connect_default", "http", "Debezium sources and Iceberg sinks.",
            host=s.bind, port=s.port("CONNECT"), login="headrace", password=s["HEADRACE_PASSWORD_CONNECT"],
            extra=connect_extra(s),
        ),
        _connection(
            "clickhouse_default", "generic", "The warehouse, over HTTP.",
            host=s.bind, port=s.port("CLICKHOUSE"), login="headrace", password=s["HEADRACE_PASSWORD_CLICKHOUSE"],
        ),
        _connection("lake_default", "iceberg", "The Iceberg catalog and its object store.", **lake(s)),
        _connection("landing_default", "generic", "Where files are dropped.", **landing(s)),
        _connection(
            "oltp_default", "postgres", "The shop's database, as its CDC role.", host=s.bind, port=s.port("POSTGRES"),
            schema="oltp", login="cdc", password=s["HEADRACE_PASSWORD_CDC"],
        ),
        _connection(
            "platform_default", "postgres", "The platform's own state.", host=s.bind, port=s.port("POSTGRES"),
            schema="headrace", login="headrace_platform", password=s["HEADRACE_PASSWORD_PLATFORM"],
        ),
        _connection(
            "serving_default", "postgres", "Serves datasets with serving: postgres.", host=s.bind, port=s.port("POSTGRES"),
            schema="serving", login="serving", password=s["HEADRACE_PASSWORD_SERVING"],
        ),
        _connection(
            "lineage_default", "http", "OpenLineage endpoint.", host=s.bind, port=s.port("LINEAGE"),
            password=s["HEADRACE_LINEAGE_KEY"],
        ),
        _connection("tokens_default", "generic", "Key of the tokens (password).", password=s["HEADRACE_TOKEN_KEY"]),
        _connection(
            "alerts_default", "generic", "Where alerts go: a list of routes, see docs/how-to/send-alerts.md.",
            extra={"routes": [{"name": "default", "url": "env:HEADRACE_ALERTS_URL", "severity": "warning"}]},
        ),
        _connection(
            "spark_default", "spark", "Where Spark runs; `streams` owns the streaming drivers, `standby` takes batch jobs.",
            host="local[2]",
            extra={
                "deploy-mode": "client",
                "streams": f"unix://{socket_path(s)}",
                "standby": f"unix://{socket_path(s, STANDBY)}",
            },
        ),
    ]  # fmt: skip


def connect_extra(s: Settings) -> dict[str, Any]:
    """Return the extra of the Kafka Connect connection: the plan's settings that differ from their defaults."""
    plan: dict[str, Any] = {}
    commit, session = "HEADRACE_SINK_COMMIT_MS", "HEADRACE_SINK_SESSION_MS"
    if s[commit] != BY_NAME[commit].default:
        plan["sink_commit_interval_ms"] = int(s[commit])
    if s[session] != BY_NAME[session].default:
        prefixes = ("consumer.override", "iceberg.kafka")
        plan["sink_config"] = {f"{prefix}.session.timeout.ms": s[session] for prefix in prefixes}
    return {"plan": plan} if plan else {}


def lake(s: Settings) -> dict[str, Any]:
    """Return the Iceberg catalog as fields of an Airflow connection, `rest` or `jdbc` by HEADRACE_CATALOG."""
    store = {
        "warehouse": s["HEADRACE_WAREHOUSE"],
        "s3.endpoint": f"http://{s.bind}:{s.port('S3')}",
        "s3.path-style-access": "true",
        "s3.region": "us-east-1",
    }
    keys = {"s3.access-key-id": s["HEADRACE_S3_ACCESS_KEY"], "s3.secret-access-key": s["HEADRACE_S3_SECRET_KEY"]}
    if s["HEADRACE_CATALOG"] == "rest":
        uri = f"http://{s.bind}:{s.port('CATALOG')}"
        return {
            "host": uri,
            "login": s["HEADRACE_S3_ACCESS_KEY"], "password": s["HEADRACE_S3_SECRET_KEY"],
            "extra": {"type": "rest", "oauth2-server-uri": f"{uri}/v1/oauth/tokens", **store, **keys},
        }  # fmt: skip
    return {
        "host": f"jdbc:postgresql://{s.bind}:{s.port('POSTGRES')}/lake",
        "login": "lake", "password": s["HEADRACE_PASSWORD_LAKE_DB"], "extra": {"type": "jdbc", **store, **keys},
    }  # fmt: skip


def landing(s: Settings) -> dict[str, Any]:
    """Return the landing bucket as fields of an Airflow connection."""
    return {
        "host": f"http://{s.bind}:{s.port('S3')}",
        "login": s["HEADRACE_S3_ACCESS_KEY"], "password": s["HEADRACE_S3_SECRET_KEY"],
        "extra": {"bucket": LANDING, "region": "us-east-1"},
    }  # fmt: skip


def _connection(
    name: str, kind: str, description: str, *, extra: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    body = {"connection_id": name, "conn_type": kind, "description": description, **fields}
    return body | ({"extra": json.dumps(extra)} if extra else {})
