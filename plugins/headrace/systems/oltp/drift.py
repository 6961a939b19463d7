"""Whether a source table is what its contract expects. Pure.

For CDC the source database owns the shape; Debezium registers what it finds. A contract that
expects another shape is told here, before anything is touched, rather than by a failed connector.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from headrace.contracts.contract import Contract
from headrace.contracts.names import publication
from headrace.contracts.types import Array, AvroType, Decimal, Field, type_name
from headrace.systems.oltp.hook import Column, Table

Rule: TypeAlias = Literal[
    "source-unasked",
    "missing-table",
    "missing-column",
    "other-type",
    "other-nullability",
    "other-key",
    "not-published",
    "identity-not-full",
    "undeclared-column",
]

TEXT: Final = ("text", "character varying", "character", "citext")
TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "boolean": ("boolean",),
    "int": ("integer", "smallint"),
    "long": ("bigint",),
    "float": ("real",),
    "double": ("double precision",),
    "bytes": ("bytea",),
    "string": (*TEXT, "json", "jsonb", "xml"),
    "decimal": ("numeric",),
    "date": ("date",),
    "timestamp-millis": ("timestamp with time zone",),
    "timestamp-micros": ("timestamp with time zone",),
    "uuid": ("uuid",),
}
"""Avro type name → PostgreSQL types, without lengths, that Debezium sends as it."""

MODIFIER: Final = re.compile(r"\([\d,]+\)")


class Drift(NamedTuple):
    """One way in which a source table is not as its contract expects."""

    dataset: str
    about: str
    """`field "x"`, or the table."""
    rule: Rule
    breaking: bool
    """Whether the dataset cannot be captured faithfully as it is."""
    message: str
    """The place, the fact, the next step."""


def drift(contract: Contract, table: Table | None, published: Collection[str]) -> tuple[Drift, ...]:
    """Every difference; `published` are the tables of the connection's publication."""
    if table is None:
        message = (
            f"{_place(contract)}: table {contract.source.table} is not in the source database, or "
            "its role may not see it. Make the table, or name another one in the contract."
        )
        return (Drift(contract.id, str(contract.source.table), "missing-table", True, message),)
    return tuple(_differences(contract, table, published))


def unasked(contract: Contract, why: str) -> Drift:
    """That the source could not be asked, so that nobody knows whether the dataset can be captured."""
    return Drift(contract.id, str(contract.source.table), "source-unasked", True, f"{_place(contract)}: {why}")


def _differences(contract: Contract, table: Table, published: Collection[str]) -> Iterator[Drift]:
    columns = {column.name: column for column in table.columns}
    for field in contract.record.fields:
        yield from _field(contract, field, columns.get(field.name), table.name)
    keys = {column.name for column in table.columns if column.in_key}
    if keys != set(contract.key):
        yield _breaking(
            contract,
            table.name,
            "other-key",
            f"the primary key of {table.name} is ({', '.join(sorted(keys)) or 'none'}), the "
            f"contract says ({', '.join(sorted(contract.key))}). Make them the same.",
        )
    if table.name not in published:
        name = publication(contract.source.connection)
        yield _breaking(
            contract,
            table.name,
            "not-published",
            f"publication {name} does not carry {table.name}. ALTER PUBLICATION {name} ADD TABLE {table.name}.",
        )
    if not table.identity_full:
        yield _breaking(
            contract,
            table.name,
            "identity-not-full",
            f"{table.name} does not log whole old rows. ALTER TABLE {table.name} REPLICA IDENTITY FULL.",
        )
    declared = {field.name for field in contract.record.fields}
    for name in columns.keys() - declared:
        message = (
            f"{_place(contract)}: {table.name} has a column {name} that the contract does not "
            "declare. Add it to the .avsc to have it stored and served."
        )
        yield Drift(contract.id, f'column "{name}"', "undeclared-column", False, message)


def _field(contract: Contract, field: Field, column: Column | None, table: str) -> Iterator[Drift]:
    if column is None and field.nullable:
        # Contract first, then the source: so no value arrives before there is a place for it.
        message = (
            f'{_place(contract)}: {table} has no column for field "{field.name}" yet. '
            "Add it to the table once this plan is applied; until then it is null."
        )
        yield Drift(contract.id, f'field "{field.name}"', "missing-column", False, message)
        return
    if column is None:
        yield _breaking(
            contract,
            f'field "{field.name}"',
            "missing-column",
            f'{table} has no column for field "{field.name}". Add the column to the table first.',
        )
        return
    if not carries(column.type, field.type):
        yield _breaking(
            contract,
            f'field "{field.name}"',
            "other-type",
            f'{table}.{column.name} is {column.type}, field "{field.name}" is '
            f"{type_name(field.type)}. Make them the same.",
        )
    if column.nullable != field.nullable:
        yield _nullability(contract, field, column, table)


def carries(type_: str, avro_type: AvroType) -> bool:
    """Whether Debezium sends a column of that PostgreSQL type as the Avro type."""
    if isinstance(avro_type, Array):
        return type_.endswith("[]") and carries(type_.removesuffix("[]"), avro_type.element)
    if isinstance(avro_type, Decimal):
        return type_ == f"numeric({avro_type.precision},{avro_type.scale})"
    bare = MODIFIER.sub("", type_)
    name = type_name(avro_type)
    if name == "enum":  # a type of the database's own
        return not any(bare in known for known in TYPES.values())
    return bare in TYPES.get(name, ())


def _nullability(contract: Contract, field: Field, column: Column, table: str) -> Drift:
    has, says = ("may be null" if nullable else "may not be null" for nullable in (column.nullable, field.nullable))
    return _breaking(
        contract,
        f'field "{field.name}"',
        "other-nullability",
        f'{table}.{column.name} {has}, field "{field.name}" {says}. Make them the same.',
    )


def _breaking(contract: Contract, about: str, rule: Rule, fact: str) -> Drift:
    return Drift(contract.id, about, rule, True, f"{_place(contract)}: {fact}")


def _place(contract: Contract) -> str:
    return contract.path or contract.id
