"""Build the desired ClickHouse tables and views of the contracts.

A CDC dataset has three: its current state, its change history, and a view that returns the source table's current
rows. An event dataset has two: its records, and a view of them. Repeated inserts of a record are harmless: rows with
the same position merge, and views read merged rows. Files and marts have one table, which is fully loaded and then
exchanged for the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.contracts.targets import clickhouse
from headrace.contracts.types import MISSING, Field, Primitive
from headrace.planning import defaults
from headrace.planning.ddl import identifier, qualified
from headrace.planning.resources import Resource
from headrace.planning.rules import POSITION_COMMENT

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
    if contract.source.kind == "cdc":
        yield _state(contract)
    yield _changes(contract)
    yield _view(contract)


def loaded_table(contract: Contract) -> Resource:
    """Return the only table of a dataset that is loaded from the lake. Each load exchanges it for the next."""
    spec = {
        "columns": [_column(field, token=field.name in contract.tokenised) for field in contract.record.fields],
        "engine": "MergeTree",
        "order_by": _ordering(contract.key),
        "settings": {"non_replicated_deduplication_window": PARTS_OF_A_LOAD},
    }
    return Resource("warehouse_table", names.view(contract), spec, (contract.id,))


def _state(contract: Contract) -> Resource:
    spec = {
        "columns": [*_columns(contract), _DELETED],
        "engine": "ReplacingMergeTree(_offset, _deleted)",
        "order_by": _ordering(contract.key),
        "settings": {},
    }
    return Resource("warehouse_table", names.state_table(contract), spec, (contract.id,))


def _changes(contract: Contract) -> Resource:
    spec = {
        "columns": _columns(contract),
        "engine": "ReplacingMergeTree(_offset)",
        "order_by": _ordering((*contract.key, "_kafka_partition", "_offset")),
        "partition_by": "toYYYYMM(_committed_at)",
        "settings": {},
    }
    return Resource("warehouse_table", names.changes_table(contract), spec, (contract.id,))


def _view(contract: Contract) -> Resource:
    by_cdc = contract.source.kind == "cdc"
    table = names.state_table(contract) if by_cdc else names.changes_table(contract)
    columns = ", ".join(identifier(field.name) for field in contract.record.fields)
    query = f"SELECT {columns} FROM {qualified(table)} FINAL"  # noqa: S608 - names are quoted
    # ClickHouse fixes a view's column types at creation and converts to them later.
    types = {field.name: clickhouse.column_type(field) for field in contract.record.fields}
    return Resource("warehouse_view", names.view(contract), {"query": query, "types": types}, (contract.id,))


def _columns(contract: Contract) -> list[dict[str, Any]]:
    changes = _CHANGE_COLUMNS if contract.source.kind == "cdc" else ()
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
