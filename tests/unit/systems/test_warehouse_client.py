"""What an error of ClickHouse means: try again, or never."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, DataError, OperationalError

from headrace.errors import SystemRefused
from headrace.systems.retry import Transient
from headrace.systems.warehouse.client import BUSY, LIMITS, meaning

MEMORY = DatabaseError("Code: 241. DB::Exception: Memory limit (for query) exceeded")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (DatabaseError("error code 202 (Code: 202. DB::Exception: Too many simultaneous queries)"), Transient),
        (DatabaseError("HTTP driver received HTTP status 503"), Transient),
        (OperationalError("Error Connection refused executing HTTP request"), Transient),
        (ConnectionResetError("reset"), Transient),
        (DatabaseError("Code: 60. DB::Exception: Table shop.lines does not exist"), SystemRefused),
        (DataError("a column of another type"), SystemRefused),
        (MEMORY, SystemRefused),
    ],
)
def test_a_query_is_tried_again_where_that_may_help(error: Exception, kind: type[Exception]) -> None:
    assert type(meaning(error, "http://clickhouse:8123")) is kind


def test_an_insert_waits_for_room_too() -> None:
    assert type(meaning(MEMORY, "http://clickhouse:8123", BUSY | LIMITS)) is Transient
