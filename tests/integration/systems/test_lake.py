"""Lake tables in both catalogs: the stack's REST one, and a JDBC one on PostgreSQL with files on disk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pytest

from headrace.errors import SystemRefused, SystemUnavailable
from headrace.planning.diff import diff
from headrace.planning.plan import Change
from headrace.planning.resources import Resource
from headrace.systems.bundle import Systems
from headrace.systems.endpoint import Endpoint
from headrace.systems.lake import state
from headrace.systems.lake.counter import LakeCount, count_changes
from headrace.systems.lake.hook import LakeHook
from headrace.systems.retry import Backoff

TAGS = {"type": "list", "element-id": 6, "element": "string", "element-required": False}


def _column(number: int, name: str, kind: Any, doc: str = "") -> dict[str, Any]:
    return {"id": number, "name": name, "required": False, "type": kind, "doc": doc}


COLUMNS = [
    _column(1, "id", "long", "The key."),
    _column(2, "amount", "decimal(12, 2)"),
    _column(3, "count", "int"),
    _column(5, "tags", TAGS),
]
POSITION = [
    _column(1001, "_op", "string"),
    _column(1002, "_lsn", "long"),
    _column(1003, "_committed_at", "timestamptz"),
    _column(1004, "_kafka_partition", "int"),
    _column(1005, "_offset", "long"),
]


@pytest.fixture(params=["rest", "jdbc"])
def lake(request: pytest.FixtureRequest, systems: Systems, tmp_path: Path) -> LakeHook:
    if request.param == "rest":
        return systems.lake
    make: Callable[[str], str] = request.getfixturevalue("database")
    place = urlsplit(make("catalog"))
    return LakeHook(
        Endpoint(
            place.hostname or "", place.port, place.username, place.password, database=place.path.lstrip("/"),
            extra={"type": "jdbc", "warehouse": f"file://{tmp_path}"},
        )
    )  # fmt: skip


@pytest.fixture
def table(lake: LakeHook, name: str) -> Iterator[str]:
    yield f"{name}.orders"
    lake.drop_table(f"{name}.orders")
    lake.catalog.drop_namespace(name)


def _wanted(table: str, *columns: dict[str, Any], **properties: str) -> Resource:
    spec = {
        "columns": [*(columns or COLUMNS), *POSITION],
        "partition": ["day(_committed_at)"],
        "properties": {"format-version": "2", "headrace.dataset": "shop.orders", **properties},
    }
    return Resource("lake_table", table, spec, ("shop.orders",))


def _applied(lake: LakeHook, wanted: Resource) -> None:
    """Plans and applies twice; nothing may be left to do."""
    plan = diff([wanted], state.observe(lake, [wanted]))
    assert len(plan.changes) == 1
    for change in (*plan.changes, *plan.changes):
        state.apply(lake, change)
    assert diff([wanted], state.observe(lake, [wanted])).empty


def test_a_table_is_made_and_evolves_and_keeps_its_rows(lake: LakeHook, table: str) -> None:
    _applied(lake, _wanted(table))
    (found,) = state.observe(lake, [_wanted(table)])
    assert found.spec["partition"] == ["day(_committed_at)"]
    assert found.spec["properties"]["format-version"] == "2"
    _append(lake, table, (1, "c", 5, 0))
    assert lake.records(table) == 1
    wider = [*COLUMNS[:2], _column(3, "count", "long", "Now long."), COLUMNS[3], _column(9, "fresh", "string")]
    _applied(lake, _wanted(table, *wider, owner="till"))
    loaded = lake.table(table)
    assert loaded is not None
    row = loaded.scan().to_arrow().to_pylist()[0]
    assert (row["id"], row["count"], row["fresh"]) == (1, 7, None)


def test_what_would_alter_stored_values_is_refused_here_too(lake: LakeHook, table: str) -> None:
    _applied(lake, _wanted(table))
    wrong = _wanted(table, COLUMNS[0], _column(2, "amount", "decimal(12, 4)"), *COLUMNS[2:])
    assert diff([wrong], state.observe(lake, [wrong])).refusals
    with pytest.raises(SystemRefused, match=rf'table {table}: column "amount" is decimal\(12, 2\); it cannot become'):
        state.apply(lake, Change("update", wrong))


def _append(lake: LakeHook, table: str, *events: tuple[int, str, int, int]) -> None:
    """Rows (id, op, lsn, offset), as the sink lands them: one commit."""
    loaded = lake.table(table)
    assert loaded is not None
    now = dt.datetime.now(dt.UTC)
    rows = [
        {"id": key, "count": 7, "_op": op, "_lsn": lsn, "_committed_at": now, "_kafka_partition": 0, "_offset": offset}
        for key, op, lsn, offset in events
    ]
    loaded.append(pa.Table.from_pylist(rows, schema=loaded.schema().as_arrow()))


def test_rows_are_counted_on_from_the_last_snapshot_of_the_table(lake: LakeHook, table: str) -> None:
    assert count_changes(lake, table, ("id",)) is None
    _applied(lake, _wanted(table))
    empty = count_changes(lake, table, ("id",))
    assert empty is not None
    assert (empty.rows, empty.changes) == (0, 0)
    _append(lake, table, (1, "r", 10, 0), (2, "r", 10, 2), (3, "r", 10, 4))
    first = count_changes(lake, table, ("id",), empty)
    _append(lake, table, (4, "c", 12, 6), (1, "d", 13, 8), (2, "u", 14, 9))
    assert first is not None
    second = count_changes(lake, table, ("id",), LakeCount.from_json(first.to_json()))
    assert second is not None
    assert (first.rows, second.rows, second.changes) == (3, 3, 6)
    # 5 came while the snapshot was taken, and again in the log; 2 is deleted twice.
    _append(lake, table, (2, "r", 30, 11), (5, "r", 30, 12), (5, "c", 29, 14), (2, "d", 28, 15))
    third = count_changes(lake, table, ("id",), second)
    assert third is not None
    assert (third.rows, third.changes) == (1, 10)
    assert count_changes(lake, table, ("id",), third) == third
    again = count_changes(lake, table, ("id",))
    assert again is not None
    assert again.rows == 1


def test_a_count_of_a_table_that_was_made_anew_begins_anew(lake: LakeHook, table: str) -> None:
    _applied(lake, _wanted(table))
    _append(lake, table, (1, "c", 5, 0), (2, "c", 6, 1))
    stale = count_changes(lake, table, ("id",))
    lake.drop_table(table)
    _applied(lake, _wanted(table))
    _append(lake, table, (1, "c", 5, 0))
    fresh = count_changes(lake, table, ("id",), stale)
    assert fresh is not None
    assert (fresh.rows, fresh.changes) == (1, 1)


@pytest.mark.parametrize(
    "place",
    [
        Endpoint("http://127.0.0.1:1", None, "a", "b", extra={"type": "rest", "warehouse": "s3://w"}),
        Endpoint("127.0.0.1", 1, "a", "b", database="lake", extra={"type": "jdbc", "warehouse": "s3://w"}),
    ],
)
def test_a_missing_catalog_is_an_error(place: Endpoint) -> None:
    with pytest.raises(SystemUnavailable, match=r"lake at .*127\.0\.0\.1:1.*: .*refused.*\(tried 2 times since"):
        LakeHook(place, backoff=Backoff(tries=2, first_s=0.01)).ensure_namespace("raw")


def test_a_wrong_secret_is_refused_at_once(stack: Any) -> None:
    known = stack.lake
    with pytest.raises(SystemRefused, match="lake at http"):
        LakeHook(Endpoint(known.host, known.port, "who", "ever", extra=known.extra)).ensure_namespace("raw")
