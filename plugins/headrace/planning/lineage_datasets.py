"""Datasets as lineage names and describes them: the same name and the same words, whoever mentions them.

Marquez takes a dataset's description, owner and tags from the last event that names it, and knows a column only by a schema.
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
    """Every dataset that a contract stands for, at the addresses of one platform."""

    def __init__(self, settings: LineageSettings) -> None:
        self.settings = settings

    def source(self, contract: Contract) -> LineageDataset:
        """The table that a connector reads. Raises ValueError when its connection has no address."""
        database = self.settings.sources.get(contract.source.connection)
        if database is None:
            raise ValueError(
                f"{contract.id} is read from {contract.source.connection!r}, which lineage has no "
                f"address for; it knows: {', '.join(self.settings.sources) or 'none'}"
            )
        table = contract.source.table or ""
        name = names.postgres_lineage(database.host, database.port, database.database, table)
        return _described(name, contract, "TABLE", columns_of_record(contract.record, types=False))

    def topic(self, contract: Contract) -> LineageDataset:
        """The topic of its changes."""
        name = names.kafka_lineage(self.settings.kafka, names.topic(contract))
        return _described(name, contract, "TOPIC", columns_of_record(contract.record))

    def files(self, contract: Contract) -> LineageDataset:
        """The folder in which its files are dropped."""
        name = LineageName(self.settings.landing, names.landing_prefix(contract).strip("/"))
        return _described(name, contract, "FILE", columns_of_record(contract.record))

    def lake(self, contract: Contract, zone: Zone) -> LineageDataset:
        """Its table in a zone of the lake."""
        table = names.lake_table(contract, zone)
        tables = raw_tables(contract) if zone == "raw" else refined_tables(contract)
        name, symlink = self.lake_names(table)
        return _described(name, contract, "TABLE", _columns(tables, table, contract), symlink)

    def lake_names(self, table: str) -> tuple[LineageName, LineageName]:
        """Name the lake's `zone.name` by its location, and by the catalog."""
        location = names.lake_lineage(self.settings.location(table))
        return location, names.lake_symlink(self.settings.catalog, table)

    def warehouse(self, contract: Contract, table: str) -> LineageDataset:
        """A table in ClickHouse."""
        return _described(self.warehouse_name(table), contract, "TABLE", _columns(warehouse(contract), table, contract))

    def warehouse_name(self, table: str) -> LineageName:
        """Name a table or view in ClickHouse."""
        return names.clickhouse_lineage(self.settings.warehouse_host, self.settings.warehouse_port, table)

    def view(self, contract: Contract) -> LineageDataset:
        """The view of its rows in ClickHouse."""
        base = self.warehouse(contract, names.stream_tables(contract)[0])
        columns = tuple(column for column in base.columns if contract.record.get(column.name))
        return _described(self.warehouse_name(names.view(contract)), contract, "VIEW", columns)

    def served(self, contract: Contract) -> LineageDataset:
        """Describe what is read of it in ClickHouse: the view, or the table that is loaded."""
        if contract.loaded:
            return self.loaded(contract, self.warehouse_name(names.view(contract)))
        return self.view(contract)

    def loaded(self, contract: Contract, name: LineageName) -> LineageDataset:
        """The table, called `name` in its store, that is loaded from the lake."""
        tables = (*warehouse(contract), *serving_tables(contract))
        return _described(name, contract, "TABLE", _columns(tables, names.view(contract), contract))

    def refined(self, contract: Contract) -> tuple[LineageDataset, ...]:
        """Describe what refinement makes of the raw table: values as they are, save tokens."""
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
        """A mart, made of these columns of the lake."""
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
    """The dataset as an output whose values are those of the columns of the same names."""
    own = {column.name for column in dataset.columns}
    return dataset.derived(
        {column.name: (ColumnSource(origin.name, column.name),) for column in origin.columns if column.name in own}
    )


def _columns(tables: Iterable[Resource], name: str, contract: Contract) -> tuple[Column, ...]:
    """In the words of the table's system."""
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
