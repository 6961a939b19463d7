"""The shape of declared lineage: datasets with columns, jobs between them, metrics as declared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar, cast, get_args

from headrace.contracts.names import LAKE_CATALOG, LineageName, lake_location
from headrace.contracts.types import (
    Array,
    AvroType,
    Date,
    Decimal,
    Enum,
    Field,
    Fixed,
    Map,
    Primitive,
    Record,
    Time,
    Timestamp,
    Uuid,
)
from headrace.planning.resources import Resource
from headrace.planning.settings import SourceDatabase

How: TypeAlias = Literal["IDENTITY", "TRANSFORMATION", "AGGREGATION", "JOIN", "GROUP_BY", "FILTER", "WINDOW", "SORT"]
DIRECT: Final[frozenset[str]] = frozenset({"IDENTITY", "TRANSFORMATION", "AGGREGATION"})
"""What carries values onward; the others only decide which, how or where."""

D = TypeVar("D", str, LineageName)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a dataset, in the words of its system."""

    name: str
    type: str = ""
    doc: str = ""
    fields: tuple[Column, ...] = ()
    """The columns inside a struct."""


@dataclass(frozen=True, slots=True)
class ColumnSource(Generic[D]):
    """A field that a column is made from, by dataset id (declared) or OpenLineage name."""

    dataset: D
    field: str
    how: How = "IDENTITY"
    masked: bool = False
    """True where the values are hidden on the way."""


@dataclass(frozen=True, slots=True)
class LineageDataset:
    """A dataset as one job reads or writes it."""

    name: LineageName
    kind: str
    """TABLE, VIEW, TOPIC or FILE."""
    columns: tuple[Column, ...] = ()
    doc: str = ""
    owner: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    """(field, classification)."""
    symlink: LineageName | None = None
    """Another name of the same dataset."""
    sources: Mapping[str, tuple[ColumnSource[LineageName], ...]] = field(default_factory=dict, hash=False)
    """Column → the fields it is made from; only on outputs."""
    row_sources: tuple[ColumnSource[LineageName], ...] = ()
    """Fields that decide which rows there are: filters, joins, groupings."""

    def derived(
        self,
        sources: Mapping[str, tuple[ColumnSource[LineageName], ...]],
        row_sources: tuple[ColumnSource[LineageName], ...] = (),
    ) -> LineageDataset:
        """The same dataset as an output, with what it is made from."""
        return replace(self, sources=sources, row_sources=row_sources)


@dataclass(frozen=True, slots=True)
class JobKind:
    """OpenLineage's job type: processing, integration, type."""

    processing: Literal["STREAMING", "BATCH"]
    integration: str
    type: str
    long_lived: bool = True
    """It runs until it is stopped."""


@dataclass(frozen=True, slots=True)
class DeclaredJob:
    """Stands for what a connector, a streaming query or a view does for one dataset.

    One job for all that a process does would make everything that it reads the source of everything that it writes.
    """

    namespace: str
    name: str
    kind: JobKind
    doc: str
    inputs: tuple[LineageDataset, ...]
    outputs: tuple[LineageDataset, ...]


@dataclass(frozen=True, slots=True)
class LineageSettings:
    """The addresses that OpenLineage names are made of."""

    kafka: str
    """Bootstrap servers, `host:port[,…]`; the first one names the cluster."""
    connect: str
    """`host:port` of Kafka Connect's REST API."""
    warehouse_host: str
    warehouse_port: int
    lake: str
    """Where lake tables are, e.g. `s3://warehouse`: each at `<lake>/<zone>/<table>`."""
    sources: Mapping[str, SourceDatabase] = field(default_factory=dict, hash=False)
    """Source connection (`oltp`) → its database."""
    locations: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Lake table → location, for tables that are elsewhere."""
    catalog: str = f"iceberg://{LAKE_CATALOG}"
    """Namespace of the catalog's own table names; platforms that share an endpoint need one each."""
    spark_namespace: str = "spark"
    landing: str = "s3://landing"
    """Where files are dropped."""

    def location(self, table: str) -> str:
        """The storage location of `<zone>.<name>`."""
        return self.locations.get(table) or lake_location(self.lake, table)


@dataclass(frozen=True, slots=True)
class MetricColumn:
    """One column of a metric table and the fields it is made from."""

    name: str
    type: str = ""
    doc: str = ""
    sources: tuple[ColumnSource[str], ...] = ()


@dataclass(frozen=True, slots=True)
class MetricTable:
    """A table that a metrics stream writes, or a view over such tables."""

    name: str
    """`database.table`."""
    group: str
    """The stream group that keeps it."""
    columns: tuple[MetricColumn, ...]
    doc: str = ""
    sources: tuple[ColumnSource[str], ...] = ()
    """Fields that decide which rows there are."""
    view_of: tuple[str, ...] = ()
    """Of a view: the metric tables that it reads."""

    @property
    def reads(self) -> tuple[ColumnSource[str], ...]:
        """Every field it reads."""
        return (*self.sources, *(ref for column in self.columns for ref in column.sources))


def metric_tables(document: Mapping[str, Mapping[str, Any]]) -> tuple[MetricTable, ...]:
    """Metric tables from their JSON form.

    `{table: {"group", "doc"?, "columns": {name: {"type"?, "doc"?, "from"?: [reference]}},
    "rows_from"?: [reference]}}`; a reference is `domain.dataset.field[:HOW]`, HOW being one of
    the words of `How`, IDENTITY unless said. With `"like": table` a table is declared as another is.
    A view says `"view_of": [table]`, and its references are `field[:HOW]` of each of these tables.

    Raises ValueError for a reference that is none.
    """
    return tuple(
        _metric_table(table, {**document.get(declared.get("like", ""), {}), **declared})
        for table, declared in document.items()
    )


def _metric_table(name: str, declared: Mapping[str, Any]) -> MetricTable:
    view_of = tuple(declared.get("view_of", ()))
    return MetricTable(
        name=name,
        group=declared["group"],
        doc=declared.get("doc", ""),
        columns=tuple(
            MetricColumn(column, about.get("type", ""), about.get("doc", ""), _references(about, "from", view_of))
            for column, about in declared["columns"].items()
        ),
        sources=_references(declared, "rows_from", view_of),
        view_of=view_of,
    )


def _references(declared: Mapping[str, Any], key: str, tables: Sequence[str]) -> tuple[ColumnSource[str], ...]:
    """`tables`: of which a field is meant; none where the reference says it."""
    texts = declared.get(key, ())
    whole = [f"{table}.{text}" for text in texts for table in tables] if tables else texts
    return tuple(map(_reference, whole))


def _reference(text: str) -> ColumnSource[str]:
    place, _, how = text.partition(":")
    dataset, _, column = place.rpartition(".")
    if dataset.count(".") != 1 or (how and how not in get_args(How)):
        raise ValueError(
            f"{text!r}: write domain.dataset.field, or with one of {', '.join(get_args(How))} after a colon"
        )
    return ColumnSource(dataset, column, cast(How, how or "IDENTITY"))


def columns_of_record(record: Record, types: bool = True) -> tuple[Column, ...]:
    """The fields of a record with Avro's type names, or without types."""
    return tuple(_column(f, types) for f in record.fields)


def columns_of_resource(resource: Resource) -> tuple[Column, ...]:
    """The columns of a planned table, in its system's types."""
    columns: Iterable[Mapping[str, str]] = resource.spec["columns"]
    return tuple(Column(c["name"], str(c["type"]), c.get("doc") or c.get("comment") or "") for c in columns)


def type_label(avro: AvroType) -> str:
    """A type's name for readers: `long`, `decimal(12,2)`, `timestamp-micros`, `array<string>`."""
    return _LABELS[type(avro)](avro)


_LABELS: Final[Mapping[type, Callable[[Any], str]]] = {
    Primitive: lambda t: str(t.kind),
    Decimal: lambda t: f"decimal({t.precision},{t.scale})",
    Date: lambda t: "date",
    Time: lambda t: f"time-{t.unit}",
    Timestamp: lambda t: f"timestamp-{t.unit}",
    Uuid: lambda t: "uuid",
    Fixed: lambda t: f"fixed({t.size})",
    Enum: lambda t: "enum",
    Array: lambda t: f"array<{type_label(t.element)}>",
    Map: lambda t: f"map<string,{type_label(t.value)}>",
    Record: lambda t: "record",
}


def _column(declared: Field, types: bool) -> Column:
    nested = columns_of_record(declared.type, types) if isinstance(declared.type, Record) else ()
    return Column(declared.name, type_label(declared.type) if types else "", declared.doc, nested)
