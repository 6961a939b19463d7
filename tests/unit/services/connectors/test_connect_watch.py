from __future__ import annotations

import json
from typing import Any

import pytest

from headrace.services.connectors.watch import (
    SlotLimits,
    failed,
    missing,
    recovered,
    slot_event,
    snapshot_done,
)
from headrace.systems.connect.status import ConnectorStatus, TaskFailure
from headrace.systems.oltp.hook import Slot

LIMITS = SlotLimits(behind_bytes=1 << 30)


def _slot(status: str = "reserved", lag: int = 0, safe: int | None = None) -> Slot:
    return Slot("headrace_oltp", True, 7, status, lag, lag, safe)  # type: ignore[arg-type]


def test_all_failures_make_one_event_that_fits_into_airflows_database() -> None:
    boom = TaskFailure("a", 0, "boom", "boom")
    lost = TaskFailure("b", 0, "x", "replication slot \"s\" does not exist")  # fmt: skip
    event = failed(
        [
            ConnectorStatus("a", "RUNNING", ("FAILED",), (boom,)),
            ConnectorStatus("b", "FAILED", (), (lost,)),
        ]
    )
    assert event is not None
    assert (event["connectors"], event["slot_lost"]) == (["a", "b"], ["b"])
    assert json.loads(json.dumps(event)) == event
    assert failed([ConnectorStatus("a", "RUNNING", ("RUNNING",))]) is None


def test_a_connector_that_is_gone_is_missed() -> None:
    there = [ConnectorStatus("a", "RUNNING", ("RUNNING",))]
    event = missing(["a", "b"], there)
    assert event is not None
    assert event["connectors"] == ["b"]
    assert missing(["a"], there) is None


def test_only_what_was_in_trouble_recovers() -> None:
    there = [ConnectorStatus("a", "RUNNING", ("RUNNING",)), ConnectorStatus("b", "RUNNING", ())]
    event = recovered({"a", "b"}, there)
    assert event is not None
    assert event["connectors"] == ["a"]
    assert recovered(set(), there) is None


@pytest.mark.parametrize(
    ("slot", "known", "event"),
    [
        (_slot(), False, None),
        (_slot(lag=2 << 30), False, "slot-behind"),
        (_slot(lag=2 << 30), True, None),
        (_slot("unreserved", safe=-5), False, "slot-behind"),
        (_slot(lag=900 << 20), True, None),
        (_slot(lag=100 << 20), True, "slot-caught-up"),
        (_slot("lost"), False, "slot-lost"),
        (_slot("lost"), True, "slot-lost"),
        (None, False, None),
    ],
)
def test_events_of_a_slot(slot: Slot | None, known: bool, event: str | None) -> None:
    found = slot_event("headrace_oltp", slot, LIMITS, known=known)
    assert (found["event"] if found else None) == event


def test_a_slots_lag_is_reported_with_the_room_that_is_left() -> None:
    event = slot_event("headrace_oltp", _slot("extended", 3 << 30, 512 << 20), LIMITS, known=False)
    assert event is not None
    assert event["message"] == (
        "replication slot headrace_oltp is 3,072 MiB behind (extended, 512 MiB before it is lost)"
    )


@pytest.mark.parametrize(
    ("offset", "done"),
    [
        ({"lsn": 5, "snapshot": "INITIAL", "snapshot_completed": False}, False),
        ({"lsn": 5, "snapshot": "INITIAL", "snapshot_completed": True}, True),
        ({"lsn": 5}, True),
    ],
)
def test_a_snapshot_is_done_by_the_stored_position(offset: dict[str, Any], done: bool) -> None:
    assert snapshot_done([{"partition": {"server": "oltp"}, "offset": offset}]) is done
    assert snapshot_done([]) is False
