"""The stack's systems as the library's hooks, without Airflow: the same connections, read from the settings."""

from __future__ import annotations

import json

from headrace.systems.bundle import Endpoints, Systems
from headrace.systems.endpoint import Endpoint
from include.stack.connections import connections
from include.stack.settings import Settings


def endpoint(s: Settings, name: str) -> Endpoint:
    """The endpoint that the Airflow connection of that id gives."""
    body = next(body for body in connections(s) if body["connection_id"] == name)
    return Endpoint(
        host=body.get("host", ""),
        port=body.get("port"),
        login=body.get("login"),
        password=body.get("password"),
        database=body.get("schema", ""),
        extra=json.loads(body.get("extra", "{}")),
    )


def endpoints(s: Settings) -> Endpoints:
    """Every system that a plan touches."""
    return Endpoints(
        kafka=endpoint(s, "kafka_default"),
        registry=endpoint(s, "schema_registry_default"),
        connect=endpoint(s, "kafka_connect_default"),
        lake=endpoint(s, "lake_default"),
        warehouse=endpoint(s, "clickhouse_default"),
        platform=endpoint(s, "platform_default"),
        serving=endpoint(s, "serving_default"),
        sources={"oltp": endpoint(s, "oltp_default")},
    )


def systems(s: Settings) -> Systems:
    """The hooks of these endpoints."""
    return Systems.at(endpoints(s))
