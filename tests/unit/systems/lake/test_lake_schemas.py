from __future__ import annotations

from typing import Any

import pytest

from headrace.systems.lake import schemas

NESTED = {
    "type": "struct",
    "fields": [
        {"id": 11, "name": "city", "required": True, "type": "string"},
        {
            "id": 12,
            "name": "marks",
            "required": False,
            "type": {
                "type": "map", "key-id": 13, "key": "string", "value-id": 14, "value": "long", "value-required": False,
            },
        },
    ],
}  # fmt: skip


def _column(number: int, name: str, kind: Any, required: bool = False, doc: str = "") -> dict[str, Any]:
    return {"id": number, "name": name, "required": required, "type": kind, "doc": doc}


COLUMNS = [
    _column(7, "id", "long", True, "The key."),
    _column(3, "total", "decimal(12, 2)"),
    _column(10, "address", NESTED),
    _column(
        20, "tags", {"type": "list", "element-id": 21, "element": "string", "element-required": False}
    ),
    _column(1000001, "_committed_at", "timestamptz"),
]  # fmt: skip


def test_columns_keep_their_ids_and_docs_both_ways() -> None:
    table = schemas.schema(COLUMNS)
    assert table.highest_field_id == 1000001
    assert schemas.columns(table)[0] == COLUMNS[0]
    assert schemas.columns(schemas.schema(schemas.columns(table))) == schemas.columns(table)


@pytest.mark.parametrize(
    "transforms", [["day(_committed_at)"], ["bucket(16, id)", "truncate(4, total)"], ["id", "month(_committed_at)"], []]
)
def test_partitioning_survives_both_ways(transforms: list[str]) -> None:
    table = schemas.schema(COLUMNS)
    assert schemas.partition(schemas.partition_spec(transforms, table), table) == transforms


@pytest.mark.parametrize("transform", ["day(", "day(nowhere)", "frobnicate(id)"])
def test_a_partitioning_that_cannot_be_is_refused(transform: str) -> None:
    with pytest.raises(ValueError, match=r"partition transform|Could not find field|parse"):
        schemas.partition_spec([transform], schemas.schema(COLUMNS))


def _evolved(*columns: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {c["name"]: c for c in schemas.columns(schemas.evolved(schemas.schema(COLUMNS), columns))}


def test_a_new_column_gets_its_declared_id() -> None:
    found = _evolved(*COLUMNS, _column(30, "fresh", "string", doc="New."))
    assert found["fresh"] == _column(30, "fresh", "string", doc="New.")
    assert found["id"] == COLUMNS[0]


def test_a_new_column_whose_id_is_taken_gets_the_next_free_ones() -> None:
    found = _evolved(*COLUMNS, _column(12, "fresh", {**NESTED}))
    assert found["fresh"]["id"] == 1000002
    assert [f["id"] for f in found["fresh"]["type"]["fields"]] == [1000003, 1000004]


def test_what_holds_all_stored_values_is_widened_loosened_and_described() -> None:
    found = _evolved(_column(7, "id", "long", False, "Other words."), _column(3, "total", "decimal(18, 2)"))
    assert found["id"] == _column(7, "id", "long", False, "Other words.")
    assert found["total"]["type"] == "decimal(18, 2)"
    assert set(found) == {c["name"] for c in COLUMNS}


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (_column(7, "id", "int", True), 'column "id" is long; it cannot become int'),
        (_column(3, "total", "decimal(12, 4)"), r'column "total" is decimal\(12, 2\); it cannot become'),
        (_column(3, "total", "decimal(12, 2)", True), 'column "total" is optional; it cannot become required'),
    ],
)
def test_what_would_alter_stored_values_is_refused(column: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _evolved(column)
