"""Build the desired ClickHouse tables and views of the contracts.

A streamed dataset has three: its state, which has one row per identity; its changes, which have one row per record;
and a view of the state. Repeated inserts of a record are harmless: rows with the same position merge, and views read
merged rows. Files and marts have one table, which is fully loaded and then exchanged for the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.contracts.targets import clickhouse
from headrace.contracts.types import MISSING, Date, Field, Primitive, Timestamp
from headrace.planning import defaults
from headrace.planning.ddl import identifier, qualified
from headrace.planning.resources import Resource
from headrace.planning.rules import POSITION_COMMENT, PRECEDENCE_COMMENT

_CHANGE_COLUMNS: Final = (
    ("_op", "LowCardinality(String)", "c create, u update, d delete, r read by a snapshot"),
    ("_lsn", "UInt64", "Position in the source's log; for information, offsets give the order"),
)
_TIME_COLUMNS: Final[tuple[Mapping[str, Any], ...]] = (
    {
        "name": "_committed_at",
        "type": "DateTime64(6, 'UTC')",
        "comment": "When the source committed the row, or the record was made",
    },
    {
        "name": "_inserted_at",
        "type": "DateTime64(6, 'UTC')",
        "default": "now64(6)",
        "comment": "When the row became readable here",
    },
)
FILLED_FROM: Final = "filled_from"
"""Key of a table's spec: a table whose rows it takes over when it is created. Earlier versions had no state of events."""
PARTS_OF_A_LOAD: Final = 10_000
"""Number of inserts of one load for which repeats are detected and dropped."""
_DELETED: Final = {"name": "_deleted", "type": "UInt8", "comment": "1 when the source deleted it"}


def warehouse(contract: Contract) -> Iterator[Resource]:
    """Yield the tables and the view of a dataset that ClickHouse serves."""
    if contract.serving != "clickhouse":
        return
    if contract.loaded:
        yield loaded_table(contract)
        return
    yield _state(contract)
    yield _changes(contract)
    yield _view(contract)


def loaded_table(contract: Contract) -> Resource:
    """Return the only table of a dataset that is loaded from the lake. Each load exchanges it for the next."""
    spec = {
        "columns": [_column(field, token=field.name in contract.tokenised) for field in contract.record.fields],
        "engine": "MergeTree",
        "order_by": _ordering(contract.identity),
        "settings": {"non_replicated_deduplication_window": PARTS_OF_A_LOAD},
    }
    return Resource("warehouse_table", names.view(contract), spec, (contract.id,))


def _state(contract: Contract) -> Resource:
    """Return the table with one row per identity.

    It is ordered by the identity alone and has no partitions, so that a record merges with an earlier one of any age.
    """
    precedence, deleted = _precedence(contract), _deleted(contract)
    version = "_offset" if precedence is None else "_precedence"
    spec = {
        "columns": [*_columns(contract), *(column for column in (precedence, deleted) if column)],
        "engine": f"ReplacingMergeTree({version}{', _deleted' if deleted else ''})",
        "order_by": _ordering(contract.identity),
        "settings": {},
        **({} if contract.captured else {FILLED_FROM: names.changes_table(contract)}),
    }
    return Resource("warehouse_table", names.state_table(contract), spec, (contract.id,))


def _precedence(contract: Contract) -> dict[str, Any] | None:
    """Return the column by which the row of an identity is chosen; None for changes, whose offset orders each key.

    The first record of an event is its row, and the newest version of a key. Ties are decided by partition and offset.
    A position fits in 64 bits, because offsets do not reach 2^54.
    """
    if contract.captured:
        return None
    version = contract.source.version
    major = "toUnixTimestamp64Micro(_committed_at)" if version is None else _as_int64(contract.field(version))
    position = "bitOr(bitShiftLeft(toUInt128(_kafka_partition), 54), toUInt128(_offset))"
    newest = f"bitOr(bitShiftLeft(toUInt128(toInt128({major}) + 9223372036854775808), 64), {position})"
    expression = f"bitNot({newest})" if version is None else newest
    comment = PRECEDENCE_COMMENT + ("the first record" if version is None else f"the newest by {version}")
    return {"name": "_precedence", "type": "UInt128", "default": expression, "comment": comment}


def _as_int64(field: Field) -> str:
    """Return the expression of a version's order as a whole number."""
    name = identifier(field.name)
    match field.type:
        case Timestamp(unit):
            return f"toUnixTimestamp64{'Micro' if unit == 'micros' else 'Milli'}({name})"
        case Date():
            return f"toInt32({name})"
    return name


def _deleted(contract: Contract) -> Mapping[str, Any] | None:
    """Return the column that marks deleted rows; None if no record of the dataset deletes."""
    if contract.captured:
        return _DELETED
    if contract.source.deleted is None:
        return None
    return {**_DELETED, "default": f"toUInt8(ifNull({identifier(contract.source.deleted)}, false))"}


def _changes(contract: Contract) -> Resource:
    spec = {
        "columns": _columns(contract),
        "engine": "ReplacingMergeTree(_offset)",
        "order_by": _ordering((*contract.identity, "_kafka_partition", "_offset")),
        "partition_by": "toYYYYMM(_committed_at)",
        "settings": {},
    }
    return Resource("warehouse_table", names.changes_table(contract), spec, (contract.id,))


def _view(contract: Contract) -> Resource:
    columns = ", ".join(identifier(field.name) for field in contract.record.fields)
    query = f"SELECT {columns} FROM {qualified(names.state_table(contract))} FINAL"  # noqa: S608 - names are quoted
    # ClickHouse fixes a view's column types at creation and converts to them later.
    types = {field.name: clickhouse.column_type(field) for field in contract.record.fields}
    return Resource("warehouse_view", names.view(contract), {"query": query, "types": types}, (contract.id,))


def _columns(contract: Contract) -> list[dict[str, Any]]:
    changes = _CHANGE_COLUMNS if contract.captured else ()
    meta = [{"name": name, "type": type_, "comment": comment} for name, type_, comment in changes]
    position = [
        {"name": "_kafka_partition", "type": "Int32", "comment": "Kafka partition of the record"},
        {
            "name": "_offset",
            "type": "UInt64",
            "comment": f"{POSITION_COMMENT}{names.topic(contract)}",
        },
    ]
    fields = [_column(field) for field in contract.record.fields]
    return [*fields, *meta, *position, *(dict(column) for column in _TIME_COLUMNS)]


def _column(field: Field, *, token: bool = False) -> dict[str, Any]:
    """Return one column. `token`: its values are tokens, which are text for every field type."""
    field = replace(field, type=Primitive("string"), default=MISSING) if token else field
    default = defaults.expression(field)
    return {
        "name": field.name,
        "type": clickhouse.column_type(field),
        **({} if default is None else {"default": default}),
        "comment": clickhouse.comment(field),
    }


def _ordering(columns: Iterable[str]) -> str:
    return ", ".join(identifier(column) for column in columns)
