"""Compose the message with all notifications that are due to one route at one moment. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from headrace.services.notifications.due import Kind, Notice
from headrace.services.notifications.routes import rank
from headrace.systems.text import one_line

Mood: TypeAlias = Literal["info", "success", "warning", "failure"]
"""Apprise's notification type of a message."""

MOST_ALERTS: Final = 20
MOST_ROWS: Final = 5
LONGEST: Final = 1_000
LABELS: Final[Mapping[Kind, str]] = {
    "opened": "{severity}",
    "worse": "{severity}, worse than before",
    "still": "{severity}, still",
    "over": "over",
}


class Message(NamedTuple):
    """Title, body and Apprise notification type."""

    title: str
    body: str
    mood: Mood


def message(notices: Sequence[Notice]) -> Message:
    """Return one message with all notices of a route, the worst first, ended ones last. Needs at least one notice."""
    ordered = sorted(notices, key=_order)
    parts = [_part(notice) for notice in ordered[:MOST_ALERTS]]
    if more := len(ordered) - len(parts):
        parts.append(f"… and {more} more: see the table alerts of the platform's database.")
    return Message(_title(ordered), "\n\n".join(parts), _mood(ordered))


def _order(notice: Notice) -> tuple[bool, int, datetime, str]:
    alert = notice.alert
    return notice.kind == "over", -rank(alert.severity), alert.first_seen, alert.key


def _title(ordered: Sequence[Notice]) -> str:
    if len(ordered) == 1:
        (notice,) = ordered
        return one_line(f"Headrace: {_label(notice)}: {notice.alert.text}", 150)
    counts: dict[str, int] = {}
    for notice in ordered:
        label = "over" if notice.kind == "over" else notice.alert.severity
        counts[label] = counts.get(label, 0) + 1
    return f"Headrace: {len(ordered)} alerts: {', '.join(f'{count} {label}' for label, count in counts.items())}"


def _mood(ordered: Sequence[Notice]) -> Mood:
    first = ordered[0]
    if first.kind == "over":
        return "success"
    moods: Mapping[str, Mood] = {"error": "failure", "warning": "warning"}
    return moods.get(first.alert.severity, "info")


def _part(notice: Notice) -> str:
    alert = notice.alert
    about = " · ".join(filter(None, (alert.dataset, f"owner {alert.owner}" if alert.owner else "", alert.key)))
    lines = [f"{_label(notice).upper()}: {one_line(alert.text, LONGEST)}", about, _when(notice)]
    if alert.details and notice.kind != "over":
        lines += ["first rows:", *(f"  {_row(row)}" for row in alert.details[:MOST_ROWS])]
    return "\n".join([*lines, *([alert.link] if alert.link else [])])


def _label(notice: Notice) -> str:
    return LABELS[notice.kind].format(severity=notice.alert.severity)


def _when(notice: Notice) -> str:
    alert = notice.alert
    until = f" until {_stamp(alert.resolved_at)}" if alert.resolved_at else ""
    times = f", seen {alert.times:,} times, last {_stamp(alert.last_seen)}" if alert.times > 1 else ""
    return f"since {_stamp(alert.first_seen)}{until}{times}"


def _row(row: Mapping[str, Any]) -> str:
    return one_line(", ".join(f"{name}={value}" for name, value in row.items()), LONGEST)


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S %Z}"
