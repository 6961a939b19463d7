"""What OpenLineage calls a dataset where it is cleaned and where it is served."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from openlineage.client.generated.symlinks_dataset import SymlinksDatasetFacet


def cleaned_names(dataset: str, warehouse: str) -> tuple[LineageName, LineageName]:
    """The cleaned table's name by its location under `warehouse`, and by the catalog."""
    return table_names(f"cleaned.{dataset.replace('.', '_')}", warehouse)


def table_names(table: str, warehouse: str) -> tuple[LineageName, LineageName]:
    """The name of the lake's `zone.name` by its location under `warehouse`, and by the catalog."""
    return lake_lineage(lake_location(warehouse, table)), lake_symlink(f"iceberg://{LAKE_CATALOG}", table)


def served_name(dataset: str, warehouse: Endpoint) -> LineageName:
    """The name of the view or table in ClickHouse."""
    return clickhouse_lineage(warehouse.host, warehouse.port or CLICKHOUSE_HTTP_PORT, dataset)


def symlinks(other: LineageName) -> SymlinksDatasetFacet:
    """The facet that says by which other name a table is known."""
    from openlineage.client.facet_v2 import symlinks_dataset

    return symlinks_dataset.SymlinksDatasetFacet(identifiers=[symlinks_dataset.Identifier(*other, "TABLE")])
