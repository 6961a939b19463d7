"""Comparison of a source table with its contract (drift). Pure.

For CDC the source database owns the schema, and Debezium registers what it finds. This check reports a mismatch before
anything is changed, instead of a failed connector.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

from headrace.contracts.contract import Contract
from headrace.contracts.names import publication
from headrace.contracts.types import Array, AvroType, Decimal, Field, type_name
from headrace.systems.oltp.hook import Column, Publication, Table

Rule: TypeAlias = Literal[
    "source-unasked",
    "missing-table",
    "missing-column",
    "other-type",
    "other-nullability",
    "other-key",
    "generated-column",
    "no-publication",
    "not-published",
    "not-via-root",
    "identity-not-full",
    "not-readable",
    "empty-enum",
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
NOT_IN_ARRAYS: Final = ("xml",)
"""PostgreSQL types without array support: Debezium leaves a column of such an array out of every record."""

VIA_ROOT: Final = " WITH (publish_via_partition_root = true)"
EVERY_OPERATION: Final = "publish = 'insert, update, delete, truncate'"
MODIFIER: Final = re.compile(r"\([\d,]+\)")


class Drift(NamedTuple):
    """One difference between a source table and its contract."""

    dataset: str
    about: str
    """The subject: `field "x"`, `column "x"`, a type or the table."""
    rule: Rule
    breaking: bool
    """True if the dataset cannot be captured correctly in this state."""
    message: str
    """Place, fact and next step."""
    sql: str = ""
    """Statements that remove the difference; empty where a person must decide."""


@dataclass(frozen=True, slots=True)
class Source:
    """Facts that hold for all tables of a source database."""

    publication: Publication | None
    role: str = "cdc"
    """Database role of the connector."""
    empty_enums: tuple[str, ...] = ()


def statements(contract: Contract, table: Table | None, source: Source) -> tuple[str, ...]:
    """Return the SQL that the source database needs before the dataset can be captured."""
    return tuple(each.sql for each in drift(contract, table, source) if each.sql)


def drift(contract: Contract, table: Table | None, source: Source) -> tuple[Drift, ...]:
    """Return every difference between the contract and its table."""
    if table is None:
        message = (
            f"{_place(contract)}: table {contract.source.table} is not in the source database. "
            "Create the table, or name another one in the contract."
        )
        return (Drift(contract.id, str(contract.source.table), "missing-table", True, message),)
    return tuple(_differences(contract, table, source))


def unknown_drift(contract: Contract, why: str) -> Drift:
    """Return the drift for a source that could not be queried: it is unknown whether the dataset can be captured."""
    return Drift(contract.id, str(contract.source.table), "source-unasked", True, f"{_place(contract)}: {why}")


def _differences(contract: Contract, table: Table, source: Source) -> Iterator[Drift]:
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
    yield from _publication(contract, table, source.publication)
    if table.not_full:
        alter = " ".join(f"ALTER TABLE {name} REPLICA IDENTITY FULL;" for name in table.not_full)
        yield _breaking(contract, table.name, "identity-not-full", f"{table.name} does not log whole old rows.", alter)
    yield from _privileges(contract, table, source.role)
    for enum in source.empty_enums:
        yield _breaking(
            contract,
            enum,
            "empty-enum",
            f"the source database has the enumerated type {enum} without values, with which the connector does not "
            f"start. Run: ALTER TYPE {enum} ADD VALUE '…'; or: DROP TYPE {enum};",
        )
    declared = {field.name for field in contract.record.fields}
    for name in columns.keys() - declared:
        message = (
            f"{_place(contract)}: {table.name} has a column {name} that the contract does not "
            "declare. Add it to the .avsc to have it stored and served."
        )
        yield Drift(contract.id, f'column "{name}"', "undeclared-column", False, message)


def _publication(contract: Contract, table: Table, found: Publication | None) -> Iterator[Drift]:
    name = publication(contract.source.connection)
    if found is None:
        create = f"CREATE PUBLICATION {name} FOR TABLE {table.name}{VIA_ROOT};"
        yield _breaking(contract, table.name, "no-publication", f"there is no publication {name}.", create)
        return
    if not found.every_operation:
        fact, alter = f"publication {name} leaves operations out.", f"ALTER PUBLICATION {name} SET ({EVERY_OPERATION});"
        yield _breaking(contract, table.name, "no-publication", fact, alter)
    if table.partitioned and not found.via_root:
        yield _breaking(
            contract,
            table.name,
            "not-via-root",
            f"publication {name} carries changes of {table.name} under its partitions' names.",
            f"ALTER PUBLICATION {name} SET (publish_via_partition_root = true);",
        )
    elif table.name not in found.tables:
        yield _breaking(
            contract,
            table.name,
            "not-published",
            f"publication {name} does not carry {table.name}.",
            f"ALTER PUBLICATION {name} ADD TABLE {table.name};",
        )


def _privileges(contract: Contract, table: Table, role: str) -> Iterator[Drift]:
    schema = table.name.partition(".")[0]
    grants = [] if table.usable else [f"GRANT USAGE ON SCHEMA {schema} TO {role};"]
    grants += [] if table.readable else [f"GRANT SELECT ON {table.name} TO {role};"]
    if grants:
        fact = f"the connector's role {role} may not read {table.name}."
        yield _breaking(contract, table.name, "not-readable", fact, " ".join(grants))


def _field(contract: Contract, field: Field, column: Column | None, table: str) -> Iterator[Drift]:
    if column is None and field.nullable:
        # The contract changes before the source, so that every value has a column to go to.
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
    if column.generated:
        yield _breaking(
            contract,
            f'field "{field.name}"',
            "generated-column",
            f"{table}.{column.name} is generated, and PostgreSQL does not publish generated columns. Leave the field "
            "out of the contract and compute it from the others, or make the column a plain one that a trigger fills.",
        )
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
    """Return whether Debezium sends a column of that PostgreSQL type as the Avro type."""
    if isinstance(avro_type, Array):
        element = type_.removesuffix("[]")
        return element not in (type_, *NOT_IN_ARRAYS) and carries(element, avro_type.element)
    if isinstance(avro_type, Decimal):
        return type_ == f"numeric({avro_type.precision},{avro_type.scale})"
    bare = MODIFIER.sub("", type_)
    name = type_name(avro_type)
    if name == "enum":  # a type that the database defines
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


def _breaking(contract: Contract, about: str, rule: Rule, fact: str, run: str = "") -> Drift:
    """`run` is the SQL that removes the difference."""
    message = f"{_place(contract)}: {fact} Run: {run}" if run else f"{_place(contract)}: {fact}"
    return Drift(contract.id, about, rule, True, message, run)


def _place(contract: Contract) -> str:
    return contract.path or contract.id
