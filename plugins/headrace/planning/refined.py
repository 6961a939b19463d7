"""Build the desired lake tables that refinement writes from the raw zone, one table per zone.

    cleaned     the source's current rows, by key, conformed and with tokens for tokenised fields
    history     every version of every row, with its validity interval (a slowly changing dimension, type 2)
    quarantine  the changes that broke a row rule, with the broken rules

All three derive from the raw zone alone and can be re-created for any keys at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from headrace.contracts import names
from headrace.contracts.contract import Contract, Zone
from headrace.contracts.targets import iceberg
from headrace.contracts.types import Field
from headrace.planning.lake import DATASET_PROPERTY, POSITION_COLUMNS, PROPERTIES, Column, added, change_columns
from headrace.planning.resources import Resource

VALID_COLUMNS: Final[tuple[Column, ...]] = (
    ("_valid_from", "timestamptz", "From when the row was so: the commit's time in the source."),
    ("_valid_to", "timestamptz", "Until when, exclusive; null while it is so."),
    ("_is_current", "boolean", "Whether the row is so now."),
)
REASON_COLUMNS: Final[tuple[Column, ...]] = (
    ("_payload", "string", "The change's fields as JSON."),
    ("_rules", "string", "The rules that it broke, by name, with commas between."),
    ("_reason", "string", "What is wrong, for a person."),
)
REFINED_PROPERTIES: Final[Mapping[str, str]] = {
    **PROPERTIES,
    "write.merge.mode": "merge-on-read",
    "write.update.mode": "merge-on-read",
    "write.delete.mode": "merge-on-read",
}
"""Table properties. Merge-on-read writes only changed rows; compaction merges the files later."""


def refined_tables(contract: Contract) -> Iterator[Resource]:
    """Yield the tables of the contract's zones other than raw."""
    for zone, columns in _COLUMNS.items():
        if zone in contract.zones:
            spec = {
                "columns": columns(contract),
                "partition": [] if zone == "quarantine" else _partition(contract),
                "properties": {**REFINED_PROPERTIES, DATASET_PROPERTY: contract.id},
            }
            yield Resource("lake_table", names.lake_table(contract, zone), spec, (contract.id,))


def _cleaned(contract: Contract) -> list[dict[str, Any]]:
    return [*_fields(contract), *added(() if contract.source.kind == "mart" else POSITION_COLUMNS)]


def _history(contract: Contract) -> list[dict[str, Any]]:
    return [*_fields(contract), *added((*VALID_COLUMNS, *POSITION_COLUMNS))]


def _quarantine(contract: Contract) -> list[dict[str, Any]]:
    """Return the columns. The key's fields are columns, so that all changes of a key can be re-checked."""
    key = [_field(contract, field, required=False) for field in contract.identity_fields]
    return [*key, *added((*REASON_COLUMNS, *change_columns(contract), *POSITION_COLUMNS))]


def _fields(contract: Contract) -> list[dict[str, Any]]:
    """Return the fields. Only the key is required, because old rows lack new fields until they are refined again."""
    return [_field(contract, field, required=field.name in contract.identity) for field in contract.record.fields]


def _field(contract: Contract, field: Field, *, required: bool) -> dict[str, Any]:
    column = iceberg.column(field, all_optional=True)
    token = {"type": "string"} if field.name in contract.tokenised else {}
    return {**column, **token, "required": required}


def _partition(contract: Contract) -> list[str]:
    """Return the partitioning by month. Daily partitions would have files of a few kilobytes."""
    return [f"month({contract.event_time})"] if contract.event_time else []


_COLUMNS: Final[Mapping[Zone, Callable[[Contract], list[dict[str, Any]]]]] = {
    "cleaned": _cleaned,
    "history": _history,
    "quarantine": _quarantine,
}
