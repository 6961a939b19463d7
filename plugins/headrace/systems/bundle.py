"""Endpoints and hooks of all systems that a plan changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headrace.contracts.names import airflow_connection
from headrace.planning.settings import PlanSettings
from headrace.systems.connect.hook import ConnectHook
from headrace.systems.endpoint import Endpoint
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.lake.hook import LakeHook, catalog_uri, is_jdbc
from headrace.systems.oltp.hook import OltpHook
from headrace.systems.platform.hook import PlatformHook
from headrace.systems.registry.hook import RegistryHook
from headrace.systems.retry import Backoff
from headrace.systems.serving.hook import ServingHook
from headrace.systems.warehouse.hook import WarehouseHook


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Endpoints of all systems."""

    kafka: Endpoint
    registry: Endpoint
    connect: Endpoint
    lake: Endpoint
    warehouse: Endpoint
    platform: Endpoint
    serving: Endpoint | None = None
    """None when no dataset is served by PostgreSQL."""
    sources: Mapping[str, Endpoint] = field(default_factory=dict, hash=False)
    """Short connection name, e.g. `oltp` → the source database."""

    @classmethod
    def from_connections(cls, sources: Iterable[str] = (), *, serving: bool = False) -> Endpoints:
        """Read the endpoints from Airflow's connections.

        Each source has the connection `<name>_default`. Reads the serving database's connection only if `serving`.
        """
        read = Endpoint.from_connection
        return cls(
            kafka=read(KafkaHook.default_conn_name),
            registry=read(RegistryHook.default_conn_name),
            connect=read(ConnectHook.default_conn_name),
            lake=read(LakeHook.default_conn_name),
            warehouse=read(WarehouseHook.default_conn_name),
            platform=read(PlatformHook.default_conn_name),
            serving=read(ServingHook.default_conn_name) if serving else None,
            sources={name: read(airflow_connection(name)) for name in sorted(set(sources))},
        )


@dataclass(frozen=True, slots=True)
class Systems:
    """One hook per system."""

    kafka: KafkaHook
    registry: RegistryHook
    connect: ConnectHook
    lake: LakeHook
    warehouse: WarehouseHook
    platform: PlatformHook
    serving: ServingHook | None = None
    sources: Mapping[str, OltpHook] = field(default_factory=dict, hash=False)

    @classmethod
    def at(cls, endpoints: Endpoints, *, timeout_s: float | None = None) -> Systems:
        """Create the hooks of these endpoints. Opens no connection yet.

        With `timeout_s`, a call is tried once and waits at most that long for an answer: for reads while a person waits.
        The platform's and the sources' PostgreSQL keep their time-outs: 5 seconds to connect, and that of a statement.
        """
        once: dict[str, Any] = {} if timeout_s is None else {"backoff": Backoff(tries=1)}
        timed = once if timeout_s is None else {**once, "timeout_s": timeout_s}
        return cls(
            kafka=KafkaHook(endpoints.kafka, **timed),
            registry=RegistryHook(endpoints.registry, **timed),
            connect=ConnectHook(endpoints.connect, **timed),
            lake=LakeHook(endpoints.lake, **timed),
            warehouse=WarehouseHook(endpoints.warehouse, **timed),
            platform=PlatformHook(endpoints.platform, **once),
            serving=ServingHook(endpoints.serving, **timed) if endpoints.serving else None,
            sources={name: OltpHook(place, **once) for name, place in endpoints.sources.items()},
        )


WORKER: Final = "connect"
"""User name of the Connect worker at the registry."""
KAFKA_JAAS: Final = "${env:HEADRACE_KAFKA_JAAS}"
"""Reference from which the Connect worker reads its JAAS line."""


def plan_settings(endpoints: Endpoints, overrides: Mapping[str, Any] | None = None) -> PlanSettings:
    """Return the addresses and settings of the endpoints, as the Connect worker reaches them.

    The extra `plan` of Connect's connection, and then `overrides`, replace values of `PlanSettings`, also inside
    `catalog` and each of `sources`. This serves a worker that uses other addresses or other names of secrets.

    Raises:
        ValueError: an override has a name that `PlanSettings` does not have.
    """
    lake = endpoints.lake
    kind = "jdbc" if is_jdbc(lake) else "rest"
    known: dict[str, Any] = {
        "kafka_bootstrap": KafkaHook(endpoints.kafka).address,
        "kafka_login": _login(endpoints.kafka),
        "registry_url": endpoints.registry.url,
        "registry_user": WORKER if endpoints.registry.login else "",
        "sources": {name: _database(place) for name, place in endpoints.sources.items()},
        "catalog": {
            "kind": kind,
            "uri": catalog_uri(lake),
            "warehouse": str(lake.extra.get("warehouse", "")),
            "s3_endpoint": str(lake.extra.get("s3.endpoint", "")),
            "s3_region": str(lake.extra.get("s3.region", "us-east-1")),
            **({"user": lake.login} if kind == "jdbc" and lake.login else {}),
            **_tokens(lake),
        },
    }
    given = _merged(known, endpoints.connect.extra.get("plan", {}))
    return PlanSettings.from_mapping(_merged(given, overrides or {}))


def _database(place: Endpoint) -> dict[str, Any]:
    return {"host": place.host, "port": place.port or 5432, "database": place.database}


def _login(kafka: Endpoint) -> dict[str, str]:
    """Return the login options of the Connect worker. Its user and password come from its own environment."""
    options = {name: str(kafka.extra[name]) for name in ("security.protocol", "sasl.mechanism") if name in kafka.extra}
    return {**options, "sasl.jaas.config": KAFKA_JAAS} if "sasl.mechanism" in options else options


def _tokens(lake: Endpoint) -> dict[str, str]:
    uri = lake.extra.get("oauth2-server-uri")
    return {"oauth2_uri": str(uri)} if uri else {}


def _merged(known: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    both = {**known, **more}
    for key in known.keys() & more.keys():
        if isinstance(known[key], Mapping) and isinstance(more[key], Mapping):
            both[key] = _merged(known[key], more[key])
    return both
