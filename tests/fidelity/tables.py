"""Tables to try: their columns, their DDL, and their contract. Pure.

Every table has the column `k`, a number that no other row of it has, by which the writer finds a row again. It may stand
outside the primary key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from hypothesis import strategies as st

from tests.fidelity.drawn import examples
from tests.fidelity.kinds import ARRAYS, KINDS, SCALARS, Kind
from tests.fidelity.literals import MOODS

TERMS: Final = """\
apiVersion: v3.2.0
kind: DataContract
id: {domain}.{name}
name: {name}
version: 1.0.0
status: active
domain: {domain}
team: {{name: fidelity}}
schema:
  - name: {name}
    properties:
{key}
customProperties:
  - {{property: source, value: {{kind: cdc, connection: {domain}, table: {schema}.{name}}}}}
  - {{property: zones, value: [{zones}]}}
  - {{property: serving, value: clickhouse}}
"""
SCHEMA: Final = "odd"
EXAMPLES_A_TABLE: Final = 6


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column."""

    name: str
    kind: Kind
    nullable: bool = False
    default: bool = False
    """Whether PostgreSQL has a default for it, and rows are written without it."""
    in_key: bool = False

    @property
    def ddl(self) -> str:
        """The column as CREATE TABLE and ADD COLUMN say it."""
        null = "" if self.nullable else " NOT NULL"
        literal = (self.kind.default or "").replace("'", "''")
        default = f" DEFAULT '{literal}'" if self.default else ""
        return f'"{self.name}" {self.kind.postgres.format(schema=SCHEMA)}{null}{default}'


K: Final = Column("k", KINDS["bigint"])


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One table and its contract."""

    name: str
    columns: tuple[Column, ...]
    zones: str = "raw, cleaned, history, quarantine"
    generated: str = ""
    """A generated column that the contract leaves out, as CREATE TABLE says it."""
    read_anew: bool = False
    """Whether it is read by more than one snapshot: Kafka then has more records than the source had changes."""

    @property
    def key(self) -> tuple[Column, ...]:
        """The columns of the primary key."""
        return tuple(column for column in self.columns if column.in_key)

    @property
    def places(self) -> tuple[int, ...]:
        """Where the key's columns stand among the columns."""
        return tuple(place for place, column in enumerate(self.columns) if column.in_key)

    def ddl(self) -> Iterator[str]:
        """The statements that make the table ready to be captured."""
        key = ", ".join(f'"{column.name}"' for column in self.key)
        columns = ", ".join([column.ddl for column in self.columns] + ([self.generated] if self.generated else []))
        yield f"CREATE TABLE {SCHEMA}.{self.name} ({columns}, PRIMARY KEY ({key}))"
        yield f"CREATE INDEX ON {SCHEMA}.{self.name} (k)"
        yield f"ALTER TABLE {SCHEMA}.{self.name} REPLICA IDENTITY FULL"
        yield f"GRANT SELECT ON {SCHEMA}.{self.name} TO cdc"

    def files(self, domain: str) -> dict[str, str]:
        """The contract's files: name → text."""
        key = [
            f"      - {{name: {column.name}, primaryKey: true, primaryKeyPosition: {place}}}"
            for place, column in enumerate(self.key, 1)
        ]
        terms = TERMS.format(domain=domain, name=self.name, schema=SCHEMA, key="\n".join(key), zones=self.zones)
        return {f"{self.name}.avsc": json.dumps(self._shape(domain)), f"{self.name}.odcs.yaml": terms}

    def with_column(self, column: Column) -> Table:
        """The table with a column more."""
        return replace(self, columns=(*self.columns, column))

    def _shape(self, domain: str) -> dict[str, Any]:
        fields: list[dict[str, Any]] = []
        named: set[str] = set()
        for number, column in enumerate(self.columns, 1):
            fields.append(_field(column, number, named))
        return {
            "type": "record", "name": self.name.title().replace("_", ""), "namespace": domain, "doc": "Odd values.",
            "fields": fields,
        }  # fmt: skip


def _field(column: Column, number: int, named: set[str]) -> dict[str, Any]:
    avro: Any = column.kind.avro if isinstance(column.kind.avro, str) else dict(column.kind.avro)
    if column.kind.is_array:
        avro["element-id"] = 1000 + number
    name = avro.get("name") if isinstance(avro, dict) else None
    if name:
        avro = {**avro, "name": f"{name}{number}"}
    field = {"name": column.name, "field-id": number, "type": avro, "doc": "A value."}
    return {**field, "type": ["null", avro], "default": None} if column.nullable else field


def setup(domain: str) -> Iterator[str]:
    """The statements that make the source database ready."""
    yield "CREATE EXTENSION IF NOT EXISTS citext"
    yield f"CREATE SCHEMA {SCHEMA}"
    moods = ", ".join(f"'{mood}'" for mood in MOODS)
    yield f"CREATE TYPE {SCHEMA}.mood AS ENUM ({moods})"
    yield f"GRANT USAGE ON SCHEMA {SCHEMA} TO cdc"
    yield f"CREATE PUBLICATION headrace_{domain} FOR TABLES IN SCHEMA {SCHEMA}"


def every_type() -> tuple[Table, ...]:
    """Every type: never null, nullable, with a default, in arrays, and in the key."""
    key = replace(K, in_key=True)
    required = [Column(f"a_{kind.name}", kind) for kind in SCALARS]
    nullable = [Column(f"n_{kind.name}", kind, nullable=True) for kind in SCALARS]
    defaults = [Column(f"d_{kind.name}", kind, default=True) for kind in SCALARS]
    arrays = [Column(f"l_{kind.name}", kind) for kind in ARRAYS]
    keys = [Column(f"p_{kind.name}", kind, in_key=True) for kind in SCALARS if kind.in_key]
    return (
        Table("every_type", (key, *required, *nullable)),
        Table("every_default", (key, *defaults)),
        Table("every_array", (key, *arrays)),
        Table("every_key", (*keys, K)),
    )


def drawn_tables(count: int, number: int) -> tuple[Table, ...]:
    """The widest of the different tables that Hypothesis draws; the same ones for the same number."""
    drawn = examples(_tables(), EXAMPLES_A_TABLE * count, number)
    different = {next(table.ddl()): table for table in drawn}
    widest = sorted(different.values(), key=lambda table: len(table.columns), reverse=True)[:count]
    return tuple(replace(table, name=f"drawn_{place}") for place, table in enumerate(widest))


@st.composite
def _tables(draw: st.DrawFn) -> Table:
    """Any table: a key of one to three columns with or without `k`, and columns of any kind."""
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=2, max_size=8))
    columns = [draw(_column(f"c{place}", KINDS[kind])) for place, kind in enumerate(kinds)]
    able = [place for place, column in enumerate(columns) if column.kind.in_key]
    chosen = set(draw(st.lists(st.sampled_from(able), max_size=2, unique=True))) if able else set()
    keyed = [
        replace(column, in_key=True, nullable=False) if place in chosen else column
        for place, column in enumerate(columns)
    ]
    with_k = replace(K, in_key=not chosen or draw(st.booleans()))
    return Table("drawn", tuple(draw(st.permutations([with_k, *keyed]))))


@st.composite
def _column(draw: st.DrawFn, name: str, kind: Kind) -> Column:
    nullable = draw(st.booleans()) and not kind.is_array
    default = draw(st.booleans()) and not nullable and kind.default is not None
    return Column(name, kind, nullable=nullable, default=default)
