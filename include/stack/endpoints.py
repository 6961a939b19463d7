"""The stack's systems as the library's hooks, without Airflow: the same connections, read from the settings."""

from __future__ import annotations

import json

from headrace.systems.endpoint import Endpoint
from headrace.systems.hops.measure import Systems
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.lake.hook import LakeHook
from headrace.systems.oltp.hook import OltpHook
from headrace.systems.platform.hook import PlatformHook
from headrace.systems.registry.hook import RegistryHook
from headrace.systems.warehouse.hook import WarehouseHook
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


def systems(s: Settings) -> Systems:
    """Hooks for the hop table."""
    return Systems(
        oltp=OltpHook(endpoint(s, "oltp_default")),
        kafka=KafkaHook(endpoint(s, "kafka_default")),
        registry=RegistryHook(endpoint(s, "schema_registry_default")),
        lake=LakeHook(endpoint(s, "lake_default")),
        warehouse=WarehouseHook(endpoint(s, "clickhouse_default")),
        platform=PlatformHook(endpoint(s, "platform_default")),
    )
