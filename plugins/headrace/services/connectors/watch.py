"""What is worth waking somebody for, in what connectors and slots look like. Pure.

An event is JSON-able, since Airflow carries it from the trigger to the task.
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
    """When a slot counts as behind, and when it has caught up again."""

    behind_bytes: int = 1 << 30
    """Log that the reader has not confirmed."""

    @property
    def caught_up_bytes(self) -> int:
        """Well below the limit, so that a slot at the limit is not reported again and again."""
        return self.behind_bytes // 2


def failed(statuses: Iterable[ConnectorStatus]) -> Event | None:
    """An event for connectors of which something failed."""
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
    """An event for watched connectors that are not there."""
    gone = sorted(set(names) - {status.name for status in statuses})
    if not gone:
        return None
    message = f"no connector {', '.join(gone)}: apply the contracts to make it again"
    return {"event": "missing", "connectors": gone, "message": message}


def recovered(troubled: Collection[str], statuses: Iterable[ConnectorStatus]) -> Event | None:
    """An event for connectors that were in trouble and run again."""
    well = sorted(s.name for s in statuses if s.name in troubled and s.settled("RUNNING"))
    if not well:
        return None
    return {"event": "recovered", "connectors": well, "message": f"{', '.join(well)} runs again"}


def slot_event(name: str, slot: Slot | None, limits: SlotLimits, *, known: bool) -> Event | None:
    """An event for a slot that is lost, falls behind, or (known to be behind) has caught up."""
    if slot is None:
        return None  # before the connector's first start there is none
    if slot.lost:
        return _slot(slot, "slot-lost", "has lost the log it needs: only a fresh snapshot helps")
    behind = slot.wal_status == "unreserved" or slot.lag_bytes > limits.behind_bytes
    if behind and not known:
        room = "" if slot.safe_bytes is None else f", {_megabytes(slot.safe_bytes)} before it is lost"
        lag = f"is {_megabytes(slot.lag_bytes)} behind ({slot.wal_status}{room})"
        return _slot(slot, "slot-behind", lag)
    if known and not behind and slot.lag_bytes <= limits.caught_up_bytes:
        return _slot(slot, "slot-caught-up", "has caught up")
    return None


def snapshot_done(offsets: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a Debezium connector's stored position says that its snapshot is over."""
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
