"""Build the lineage description of each dataset, with the same name and text in every event.

Marquez takes a dataset's description, owner and tags from the last event that names it, and reads columns only from a
schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from headrace.contracts import names
from headrace.contracts.contract import Contract, Zone
from headrace.contracts.names import LineageName
from headrace.planning.lake import raw_tables
from headrace.planning.lineage_types import (
    Column,
    ColumnSource,
    LineageDataset,
    LineageSettings,
    columns_of_record,
    columns_of_resource,
)
from headrace.planning.marts import Origin
from headrace.planning.refined import refined_tables
from headrace.planning.resources import Resource
from headrace.planning.serving import serving_tables
from headrace.planning.warehouse import warehouse


class Datasets:
    """Lineage datasets of the contracts, at the addresses of one platform."""

    def __init__(self, settings: LineageSettings) -> None:
        self.settings = settings

    def source(self, contract: Contract) -> LineageDataset:
        """Return the table that a connector reads. Raises ValueError when its connection has no address."""
        database = self.settings.sources.get(contract.source.connection)
        if database is None:
            raise ValueError(
                f"{contract.id} is read from {contract.source.connection!r}, for which the lineage settings have no "
                f"address; known: {', '.join(self.settings.sources) or 'none'}"
            )
        table = contract.source.table or ""
        name = names.postgres_lineage(database.host, database.port, database.database, table)
        return _described(name, contract, "TABLE", columns_of_record(contract.record, types=False))

    def topic(self, contract: Contract) -> LineageDataset:
        """Return the topic of the dataset's changes."""
        name = names.kafka_lineage(self.settings.kafka, names.topic(contract))
        return _described(name, contract, "TOPIC", columns_of_record(contract.record))

    def files(self, contract: Contract) -> LineageDataset:
        """Return the folder of the dataset's files in the landing bucket."""
        name = LineageName(self.settings.landing, names.landing_prefix(contract).strip("/"))
        return _described(name, contract, "FILE", columns_of_record(contract.record))

    def lake(self, contract: Contract, zone: Zone) -> LineageDataset:
        """Return the dataset's table in a zone of the lake."""
        table = names.lake_table(contract, zone)
        tables = raw_tables(contract) if zone == "raw" else refined_tables(contract)
        name, symlink = self.lake_names(table)
        return _described(name, contract, "TABLE", _columns(tables, table, contract), symlink)

    def lake_names(self, table: str) -> tuple[LineageName, LineageName]:
        """Return the names of the lake table `zone.name`: by its location, and by the catalog."""
        location = names.lake_lineage(self.settings.location(table))
        return location, names.lake_symlink(self.settings.catalog, table)

    def warehouse(self, contract: Contract, table: str) -> LineageDataset:
        """Return a table in ClickHouse."""
        return _described(self.warehouse_name(table), contract, "TABLE", _columns(warehouse(contract), table, contract))

    def warehouse_name(self, table: str) -> LineageName:
        """Return the name of a table or view in ClickHouse."""
        return names.clickhouse_lineage(self.settings.warehouse_host, self.settings.warehouse_port, table)

    def view(self, contract: Contract) -> LineageDataset:
        """Return the view of the dataset's rows in ClickHouse."""
        base = self.warehouse(contract, names.stream_tables(contract)[0])
        columns = tuple(column for column in base.columns if contract.record.get(column.name))
        return _described(self.warehouse_name(names.view(contract)), contract, "VIEW", columns)

    def served(self, contract: Contract) -> LineageDataset:
        """Return what ClickHouse serves of the dataset: the view, or the loaded table."""
        if contract.loaded:
            return self.loaded(contract, self.warehouse_name(names.view(contract)))
        return self.view(contract)

    def loaded(self, contract: Contract, name: LineageName) -> LineageDataset:
        """Return the table that is loaded from the lake. `name` is its name in the serving store."""
        tables = (*warehouse(contract), *serving_tables(contract))
        return _described(name, contract, "TABLE", _columns(tables, names.view(contract), contract))

    def refined(self, contract: Contract) -> tuple[LineageDataset, ...]:
        """Return the tables that refinement writes from raw. Values are copied, except tokens."""
        raw, _ = self.lake_names(names.raw_table(contract))

        def taken(field: str) -> ColumnSource[LineageName]:
            if field in contract.tokenised:
                return ColumnSource(raw, field, "TRANSFORMATION", masked=True)
            return ColumnSource(raw, field)

        copies = {field.name: (taken(field.name),) for field in contract.record.fields}
        tables = (self.lake(contract, zone) for zone in contract.zones if zone != "raw")
        return tuple(
            table.derived({c.name: copies[c.name] for c in table.columns if c.name in copies}) for table in tables
        )

    def mart(self, contract: Contract, origins: Mapping[str, Sequence[Origin]]) -> LineageDataset:
        """Return a mart with its source columns in the lake."""
        return self.lake(contract, "cleaned").derived(
            {
                column: tuple(
                    ColumnSource(self.lake_names(table)[0], field, "TRANSFORMATION") for table, field in found
                )
                for column, found in origins.items()
                if found
            }
        )


def copied(dataset: LineageDataset, origin: LineageDataset) -> LineageDataset:
    """Return the dataset as an output that copies the columns of the same names."""
    own = {column.name for column in dataset.columns}
    return dataset.derived(
        {column.name: (ColumnSource(origin.name, column.name),) for column in origin.columns if column.name in own}
    )


def _columns(tables: Iterable[Resource], name: str, contract: Contract) -> tuple[Column, ...]:
    """Return the columns with the type names of the table's system."""
    resource = next((table for table in tables if table.name == name), None)
    return columns_of_resource(resource) if resource else columns_of_record(contract.record)


def _described(
    name: LineageName,
    contract: Contract,
    kind: str,
    columns: tuple[Column, ...],
    symlink: LineageName | None = None,
) -> LineageDataset:
    return LineageDataset(
        name=name,
        kind=kind,
        columns=columns,
        doc=contract.record.doc,
        owner=contract.owner,
        tags=tuple(sorted(contract.classifications.items())),
        symlink=symlink,
    )
