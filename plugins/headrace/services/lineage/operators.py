"""Operator that emits the lineage declared by the contracts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from headrace.contracts.contract import Contract
from headrace.contracts.index import load_index
from headrace.contracts.names import CLICKHOUSE_HTTP_PORT, LAKE_CATALOG, airflow_connection
from headrace.planning.lineage_types import LineageSettings, metric_tables
from headrace.planning.settings import SourceDatabase
from headrace.services.lineage.declaring import emit_declared
from headrace.services.lineage.hook import DEFAULT_CONNECTION, LineageHook
from headrace.systems.endpoint import Endpoint
from headrace.systems.parameters import is_yes

if TYPE_CHECKING:
    from airflow.sdk import Context

POSTGRES_PORT = 5432


class EmitDeclaredLineageOperator(BaseOperator):
    """Emits the lineage that all contracts declare, as OpenLineage events.

    :param contracts: folder of the contracts, `include/schemas`.
    :param metrics: JSON file that declares the metric tables, in the form that
        `planning.lineage_types.metric_tables` reads; empty: no metric tables.
    :param plan_version: version of the declaration; empty: a hash of the declared graph.
    :param catalog: name of the lake's catalog in assets, `iceberg://<catalog>/…`.
    :param lineage_conn_id: http connection of the OpenLineage endpoint.
    :param plan_only: emit nothing; log the number of datasets.

    Returns `{"plan_version", "jobs", "withdrawn", "events"}`.
    """

    template_fields: Sequence[str] = ("contracts", "metrics", "plan_version", "plan_only")

    def __init__(
        self,
        *,
        contracts: str,
        metrics: str = "",
        plan_version: str = "",
        lineage_conn_id: str = DEFAULT_CONNECTION,
        kafka_conn_id: str = "kafka_default",
        connect_conn_id: str = "kafka_connect_default",
        warehouse_conn_id: str = "clickhouse_default",
        lake_conn_id: str = "lake_default",
        catalog: str = LAKE_CATALOG,
        plan_only: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.contracts = contracts
        self.metrics = metrics
        self.plan_version = plan_version
        self.lineage_conn_id = lineage_conn_id
        self.kafka_conn_id = kafka_conn_id
        self.connect_conn_id = connect_conn_id
        self.warehouse_conn_id = warehouse_conn_id
        self.lake_conn_id = lake_conn_id
        self.catalog = catalog
        self.plan_only = plan_only

    def execute(self, context: Context) -> dict[str, Any]:
        """Emit the events. Raises SystemUnavailable or SystemRefused when the endpoint does not accept them."""
        contracts = tuple(load_index(Path(self.contracts)).values())
        if is_yes(self.plan_only):
            self.log.info("would declare the lineage of %d datasets", len(contracts))
            return {"plan_version": "", "jobs": 0, "withdrawn": 0, "events": 0}
        metrics = json.loads(Path(self.metrics).read_text()) if self.metrics else {}
        emitted = emit_declared(
            LineageHook.from_connection(self.lineage_conn_id),
            contracts,
            self._settings(contracts),
            metric_tables(metrics),
            plan_version=self.plan_version,
        )
        self.log.info(
            "Plan %s: declared %d jobs, withdrew %d, in %d events.",
            emitted.plan_version,
            emitted.jobs,
            emitted.withdrawn,
            emitted.events,
        )
        return asdict(emitted)

    def _settings(self, contracts: Iterable[Contract]) -> LineageSettings:
        connect = Endpoint.from_connection(self.connect_conn_id)
        warehouse = Endpoint.from_connection(self.warehouse_conn_id)
        connections = {c.source.connection for c in contracts if c.captured}
        return LineageSettings(
            kafka=Endpoint.from_connection(self.kafka_conn_id).extra["bootstrap.servers"],
            connect=connect.url.partition("://")[2],
            warehouse_host=warehouse.host,
            warehouse_port=warehouse.port or CLICKHOUSE_HTTP_PORT,
            lake=Endpoint.from_connection(self.lake_conn_id).extra["warehouse"],
            catalog=f"iceberg://{self.catalog}",
            sources={name: _database(name) for name in sorted(connections)},
            landing=_landing(contracts),
        )


def _landing(contracts: Iterable[Contract]) -> str:
    """Return the URI of the landing bucket; empty when no dataset is loaded from files."""
    if not any(contract.source.kind == "file" for contract in contracts):
        return ""
    from headrace.services.landing.hook import LandingHook

    return f"s3://{LandingHook.from_connection().bucket}"


def _database(connection: str) -> SourceDatabase:
    endpoint = Endpoint.from_connection(airflow_connection(connection))
    return SourceDatabase(endpoint.host, endpoint.port or POSTGRES_PORT, endpoint.database)
