"""Derive events from the states of connectors and replication slots. Pure.

An event is JSON-able, since Airflow passes it from the trigger to the task.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from headrace.systems.connect.status import ConnectorStatus
from headrace.systems.oltp.hook import Slot

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SlotLimits:
    """Limits of a slot's lag: when it counts as behind, and when as caught up."""

    behind_bytes: int = 1 << 30
    """Bytes of log that the reader has not confirmed."""

    @property
    def caught_up_bytes(self) -> int:
        """Return half of the limit, so that a slot near the limit is not reported repeatedly."""
        return self.behind_bytes // 2


def failed(statuses: Iterable[ConnectorStatus]) -> Event | None:
    """Return an event for connectors that have a failure, or None."""
    failures = [failure for status in statuses for failure in status.failures]
    if not failures:
        return None
    return {
        "event": "failed",
        "connectors": sorted({failure.connector for failure in failures}),
        "slot_lost": sorted({f.connector for f in failures if f.slot_lost}),
        "message": "; ".join(failure.sentence for failure in failures),
    }


def missing(names: Collection[str], statuses: Iterable[ConnectorStatus]) -> Event | None:
    """Return an event for watched connectors that do not exist, or None."""
    gone = sorted(set(names) - {status.name for status in statuses})
    if not gone:
        return None
    message = f"no connector {', '.join(gone)}: apply the contracts to re-create it"
    return {"event": "missing", "connectors": gone, "message": message}


def recovered(troubled: Collection[str], statuses: Iterable[ConnectorStatus]) -> Event | None:
    """Return an event for restarted connectors that run again, or None."""
    well = sorted(s.name for s in statuses if s.name in troubled and s.settled("RUNNING"))
    if not well:
        return None
    return {"event": "recovered", "connectors": well, "message": f"{', '.join(well)} runs again"}


def slot_event(name: str, slot: Slot | None, limits: SlotLimits, *, known: bool) -> Event | None:
    """Return an event for a slot that is lost, falls behind, or has caught up after it was behind; otherwise None."""
    if slot is None:
        return None  # the slot does not exist before the connector's first start
    if slot.lost:
        return _slot(slot, "slot-lost", "has lost the log it needs: a fresh snapshot is required")
    behind = slot.wal_status == "unreserved" or slot.lag_bytes > limits.behind_bytes
    if behind and not known:
        room = "" if slot.safe_bytes is None else f", {_megabytes(slot.safe_bytes)} before it is lost"
        lag = f"is {_megabytes(slot.lag_bytes)} behind ({slot.wal_status}{room})"
        return _slot(slot, "slot-behind", lag)
    if known and not behind and slot.lag_bytes <= limits.caught_up_bytes:
        return _slot(slot, "slot-caught-up", "has caught up")
    return None


def snapshot_done(offsets: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether a Debezium connector's stored offsets say that its snapshot is over."""
    stored = [entry["offset"] for entry in offsets]
    return bool(stored) and all(not offset.get("snapshot") or offset.get("snapshot_completed") for offset in stored)


def _slot(slot: Slot, event: str, fact: str) -> Event:
    return {
        "event": event,
        "slot": slot.name,
        "lag_bytes": slot.lag_bytes,
        "message": f"replication slot {slot.name} {fact}",
    }


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):,.0f} MiB"
