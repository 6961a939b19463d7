"""Endpoints and hooks of the stack's systems without Airflow, from the same connections."""

from __future__ import annotations

import json

from headrace.systems.bundle import Endpoints, Systems
from headrace.systems.endpoint import Endpoint
from include.stack.connections import connections
from include.stack.settings import Settings


def endpoint(s: Settings, name: str) -> Endpoint:
    """Return the endpoint of the Airflow connection with this id."""
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
    """Return the endpoints of all systems that a plan changes."""
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
    """Return the hooks of these endpoints."""
    return Systems.at(endpoints(s))
