"""A small shop of a test's own: a source database, contracts for it, and a plan over the live stack."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.contracts.loading import load_contracts
from headrace.errors import SystemFailure
from headrace.planning.plan import Plan
from headrace.planning.settings import PlanSettings
from headrace.services.apply import engine as apply
from headrace.systems.bundle import Endpoints, Systems, plan_settings
from headrace.systems.endpoint import Endpoint

TERMS = """\
apiVersion: v3.2.0
kind: DataContract
id: {domain}.{dataset}
name: {dataset}
version: 1.0.0
status: active
domain: {domain}
team: {{name: till}}
schema:
  - name: {dataset}
    logicalType: object
    authoritativeDefinitions: [{{type: implementation, url: {dataset}.avsc}}]
    properties:
      - {{name: id, primaryKey: true, primaryKeyPosition: 1}}
customProperties:
  - {{property: source, value: {source}}}
  - {{property: zones, value: [{zones}]}}
  - {{property: serving, value: clickhouse}}
"""
ZONES = ("raw", "cleaned", "history", "quarantine")
ID = {"name": "id", "field-id": 1, "type": "long", "doc": "The key."}
TOTAL = {
    "name": "total", "field-id": 2, "doc": "What it cost.",
    "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2},
}  # fmt: skip
AT = {"name": "at", "field-id": 3, "type": {"type": "long", "logicalType": "timestamp-micros"}, "doc": "When."}
NOTE = {"name": "note", "field-id": 4, "type": ["null", "string"], "default": None, "doc": "What was said."}


@dataclass
class World:
    """`name` is the domain, the source connection, and part of every name on the stack."""

    name: str
    dsn: str
    folder: Path
    endpoints: Endpoints
    systems: Systems
    zones: str = "raw"
    more: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the plan that differ from the stack's."""
    log: list[str] = field(default_factory=list)
    declared: set[str] = field(default_factory=set)

    @classmethod
    def build(cls, name: str, dsn: str, folder: Path, endpoints: Endpoints, platform: Endpoint, **more: Any) -> World:
        places = replace(endpoints, platform=platform, sources={name: Endpoint.from_url(dsn)})
        world = cls(name, dsn, folder, places, Systems.at(places), **more)
        world.sql(f"CREATE SCHEMA shop; CREATE PUBLICATION headrace_{name} FOR TABLES IN SCHEMA shop")
        return world

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Runs statements in the source, each committed; rows of the last one."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            done = connection.execute(statement, parameters or None)  # type: ignore[call-overload]
            return done.fetchall() if done.description else []

    def make_table(self, dataset: str, rows: int = 0) -> None:
        """A table as `declare` describes it, with that many rows."""
        self.sql(
            f"CREATE TABLE shop.{dataset} (id bigint PRIMARY KEY, total numeric(12,2) NOT NULL, at timestamptz NOT NULL);"
            f"ALTER TABLE shop.{dataset} REPLICA IDENTITY FULL;"
            f"GRANT USAGE ON SCHEMA shop TO cdc; GRANT SELECT ON shop.{dataset} TO cdc;"
            f"INSERT INTO shop.{dataset} SELECT n, n / 4.0, '2024-01-01Z'::timestamptz + n * interval '1 s 1 us'"
            f" FROM generate_series(1, {rows}) n"
        )

    def declare(self, dataset: str, *fields: dict[str, Any], source: str = "") -> None:
        """Writes the dataset's contract; it is captured unless `source` says otherwise."""
        self.declared.add(dataset)
        home = self.folder / self.name
        home.mkdir(parents=True, exist_ok=True)
        shape = {
            "type": "record", "name": dataset.title(), "namespace": self.name, "doc": "A test.",
            "fields": list(fields or (ID, TOTAL, AT)),
        }  # fmt: skip
        (home / f"{dataset}.avsc").write_text(json.dumps(shape, indent=1))
        source = source or f"{{kind: cdc, connection: {self.name}, table: shop.{dataset}}}"
        terms = TERMS.format(domain=self.name, dataset=dataset, source=source, zones=self.zones)
        (home / f"{dataset}.odcs.yaml").write_text(terms)

    @property
    def contracts(self) -> tuple[Contract, ...]:
        return load_contracts(self.folder)

    def contract(self, dataset: str) -> Contract:
        return next(c for c in self.contracts if c.name == dataset)

    @property
    def settings(self) -> PlanSettings:
        # Tests wait for both.
        more = {"heartbeat_interval_ms": 1000, "sink_commit_interval_ms": 1000, **self.more}
        return replace(plan_settings(self.endpoints), **more)

    def plan(self, **options: Any) -> Plan:
        return self.observe(**options).plan()

    def observe(self, datasets: Sequence[str] = (), **options: Any) -> apply.Planner:
        request = apply.PlanRequest(self.contracts, datasets=tuple(datasets), **options)
        return apply.observe(self.systems, request, self.settings)

    def apply(self, **options: Any) -> Plan:
        """Raises HeldBack."""
        return apply.apply_plan(self.systems, self.observe(**options), self.log.append)

    @property
    def source(self) -> str:
        return names.source_connector(self.name)

    def clean(self) -> None:
        """Removes from the stack whatever the contracts made."""
        systems = self.systems
        steps: list[Callable[[], Any]] = []
        for connector in (self.source, names.sink_connector(self.name)):
            steps.append(lambda c=connector: systems.connect.delete(c))  # type: ignore[misc]
        topics = [t for t in systems.kafka.partitions() if self.name in t]
        steps += [lambda t=t: systems.kafka.delete(t) for t in topics]  # type: ignore[misc]
        subjects = [s for s in systems.registry.subjects() if s.startswith(f"{self.name}.")]
        steps += [lambda s=s: systems.registry.delete(s) for s in subjects]  # type: ignore[misc]
        tables = [f"{zone}.{self.name}_{dataset}" for zone in ZONES for dataset in self.declared]
        steps += [lambda t=t: systems.lake.drop_table(t) for t in tables]  # type: ignore[misc]
        steps.append(lambda: systems.warehouse.execute(f"DROP DATABASE IF EXISTS {self.name}"))
        steps.append(
            lambda: self.sql(
                "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active_pid IS NOT NULL AND slot_name = %s",
                names.replication_slot(self.name),
            )
        )
        steps.append(lambda: systems.sources[self.name].drop_slot(names.replication_slot(self.name)))
        for step in steps:
            with suppress(SystemFailure):
                step()
