"""Data classes of declared lineage: datasets with columns, jobs, and metric tables."""

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
"""Transformations that carry values onward. The others only decide which rows, how or where."""

D = TypeVar("D", str, LineageName)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a dataset, with its system's type name."""

    name: str
    type: str = ""
    doc: str = ""
    fields: tuple[Column, ...] = ()
    """Nested columns of a struct."""


@dataclass(frozen=True, slots=True)
class ColumnSource(Generic[D]):
    """Source field of a column, by dataset id (declared) or OpenLineage name."""

    dataset: D
    field: str
    how: How = "IDENTITY"
    masked: bool = False
    """True when the values are hidden on the way."""


@dataclass(frozen=True, slots=True)
class LineageDataset:
    """Dataset as input or output of one job."""

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
    """Column → its source fields; only on outputs."""
    row_sources: tuple[ColumnSource[LineageName], ...] = ()
    """Fields that determine which rows exist: filters, joins, groupings."""

    def derived(
        self,
        sources: Mapping[str, tuple[ColumnSource[LineageName], ...]],
        row_sources: tuple[ColumnSource[LineageName], ...] = (),
    ) -> LineageDataset:
        """Return the same dataset as an output, with its sources."""
        return replace(self, sources=sources, row_sources=row_sources)


@dataclass(frozen=True, slots=True)
class JobKind:
    """OpenLineage's job type: processing, integration, type."""

    processing: Literal["STREAMING", "BATCH"]
    integration: str
    type: str
    long_lived: bool = True
    """Whether the job runs until it is stopped."""


@dataclass(frozen=True, slots=True)
class DeclaredJob:
    """Job of a connector, a streaming query or a view for one dataset.

    One job per process would connect every input of the process to every output.
    """

    namespace: str
    name: str
    kind: JobKind
    doc: str
    inputs: tuple[LineageDataset, ...]
    outputs: tuple[LineageDataset, ...]


@dataclass(frozen=True, slots=True)
class LineageSettings:
    """Addresses that are part of OpenLineage names."""

    kafka: str
    """Bootstrap servers, `host:port[,…]`. The first one names the cluster."""
    connect: str
    """`host:port` of Kafka Connect's REST API."""
    warehouse_host: str
    warehouse_port: int
    lake: str
    """Location of the lake, e.g. `s3://warehouse`. Each table is at `<lake>/<zone>/<table>`."""
    sources: Mapping[str, SourceDatabase] = field(default_factory=dict, hash=False)
    """Source connection (`oltp`) → its database."""
    locations: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Lake table → location, for tables at another location."""
    catalog: str = f"iceberg://{LAKE_CATALOG}"
    """Namespace of the catalog's table names. Platforms that share an endpoint need one each."""
    spark_namespace: str = "spark"
    landing: str = "s3://landing"
    """Landing bucket of files."""

    def location(self, table: str) -> str:
        """Return the storage location of `<zone>.<name>`."""
        return self.locations.get(table) or lake_location(self.lake, table)


@dataclass(frozen=True, slots=True)
class MetricColumn:
    """One column of a metric table and its source fields."""

    name: str
    type: str = ""
    doc: str = ""
    sources: tuple[ColumnSource[str], ...] = ()


@dataclass(frozen=True, slots=True)
class MetricTable:
    """Table that a metrics stream writes, or a view over such tables."""

    name: str
    """`database.table`."""
    group: str
    """The stream group that writes it."""
    columns: tuple[MetricColumn, ...]
    doc: str = ""
    sources: tuple[ColumnSource[str], ...] = ()
    """Fields that determine which rows exist."""
    view_of: tuple[str, ...] = ()
    """For a view: the metric tables that it reads."""

    @property
    def reads(self) -> tuple[ColumnSource[str], ...]:
        """Return every field that it reads."""
        return (*self.sources, *(ref for column in self.columns for ref in column.sources))


def metric_tables(document: Mapping[str, Mapping[str, Any]]) -> tuple[MetricTable, ...]:
    """Return the metric tables of their JSON form.

    `{table: {"group", "doc"?, "columns": {name: {"type"?, "doc"?, "from"?: [reference]}},
    "rows_from"?: [reference]}}`; a reference is `domain.dataset.field[:HOW]`. HOW is a value of `How`; the default is
    IDENTITY. With `"like": table` a table copies another table's declaration. A view has `"view_of": [table]`, and its
    references are `field[:HOW]` of each of these tables.

    Raises ValueError for an invalid reference.
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
    """Return the references under a key.

    `tables` are the tables of the fields. It is empty when each reference names its own.
    """
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
    """Return the fields of a record with Avro's type names, or without types."""
    return tuple(_column(f, types) for f in record.fields)


def columns_of_resource(resource: Resource) -> tuple[Column, ...]:
    """Return the columns of a planned table, in its system's types."""
    columns: Iterable[Mapping[str, str]] = resource.spec["columns"]
    return tuple(Column(c["name"], str(c["type"]), c.get("doc") or c.get("comment") or "") for c in columns)


def type_label(avro: AvroType) -> str:
    """Return a type's readable name: `long`, `decimal(12,2)`, `timestamp-micros`, `array<string>`."""
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
