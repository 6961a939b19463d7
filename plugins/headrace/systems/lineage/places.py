"""What OpenLineage calls a dataset where it is cleaned and where it is served."""

from __future__ import annotations

from headrace.contracts.names import (
    LAKE_CATALOG,
    LineageName,
    clickhouse_lineage,
    lake_lineage,
    lake_location,
    lake_symlink,
)
from headrace.systems.endpoint import Endpoint
from headrace.systems.lineage.assets import CLICKHOUSE_HTTP_PORT


def cleaned_names(dataset: str, warehouse: str) -> tuple[LineageName, LineageName]:
    """The cleaned table's name by its location under `warehouse`, and by the catalog."""
    return table_names(f"cleaned.{dataset.replace('.', '_')}", warehouse)


def table_names(table: str, warehouse: str) -> tuple[LineageName, LineageName]:
    """The name of the lake's `zone.name` by its location under `warehouse`, and by the catalog."""
    return lake_lineage(lake_location(warehouse, table)), lake_symlink(f"iceberg://{LAKE_CATALOG}", table)


def served_name(dataset: str, warehouse: Endpoint) -> LineageName:
    """The name of the view or table in ClickHouse."""
    return clickhouse_lineage(warehouse.host, warehouse.port or CLICKHOUSE_HTTP_PORT, dataset)
