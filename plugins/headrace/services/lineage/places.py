"""OpenLineage names of datasets, from the addresses of Airflow's connections."""

from __future__ import annotations

from headrace.contracts.names import CLICKHOUSE_HTTP_PORT, LineageName, clickhouse_lineage
from headrace.planning.lineage_datasets import Datasets
from headrace.planning.lineage_types import LineageSettings
from headrace.systems.endpoint import Endpoint


def datasets() -> Datasets:
    """Return the datasets of the lake and of ClickHouse."""
    lake, warehouse = Endpoint.from_connection("lake_default"), Endpoint.from_connection("clickhouse_default")
    return Datasets(
        LineageSettings(
            kafka="",
            connect="",
            warehouse_host=warehouse.host,
            warehouse_port=warehouse.port or CLICKHOUSE_HTTP_PORT,
            lake=str(lake.extra["warehouse"]),
        )
    )


def served_name(dataset: str, warehouse: Endpoint) -> LineageName:
    """Return the OpenLineage name of a view or table in ClickHouse."""
    return clickhouse_lineage(warehouse.host, warehouse.port or CLICKHOUSE_HTTP_PORT, dataset)
