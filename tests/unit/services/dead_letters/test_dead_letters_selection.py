"""Selection of dead letters by parameters."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from headrace.services.dead_letters.selection import FILTERS, Selection


def test_empty_fields_are_no_filters() -> None:
    selection = Selection.from_params(dict.fromkeys(FILTERS) | {"reason": ""})
    assert (dict(selection.filters), selection.condition, str(selection)) == ({}, "true", "all dead letters")


def test_every_value_is_a_bound_parameter() -> None:
    selection = Selection.from_params({"dataset": "d'; DROP", "first_offset": "0", "last_offset": 9, "reason": "x%"})
    assert "DROP" not in selection.condition
    assert selection.filters == {"dataset": "d'; DROP", "first_offset": 0, "last_offset": 9, "reason": "x%"}
    assert selection.condition.count("AND") == 3


def test_a_time_without_a_zone_is_utc() -> None:
    filters = Selection.from_params({"since": "2026-11-24T12:00", "until": "2026-11-25T00:00+02:00"}).filters
    assert filters["since"] == datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert filters["until"].astimezone(UTC) == datetime(2026, 11, 24, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"offset": 3}, "unknown filter 'offset'"),
        ({"partition": "two"}, "a whole number"),
        ({"topic": "t", "first_offset": -1}, "a whole number"),
        ({"partition": True}, "a whole number"),
        ({"since": "yesterday"}, "an ISO time"),
        ({"first_offset": 3}, "set `topic` or `dataset`"),
    ],
)
def test_what_cannot_be_meant_is_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Selection.from_params(params)
