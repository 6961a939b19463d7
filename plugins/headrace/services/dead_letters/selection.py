"""Select dead letters by dataset, topic, positions, reason and time. Pure; the ledger runs the query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

FILTERS: Final[Mapping[str, str]] = {
    "dataset": "dataset = %(dataset)s",
    "topic": "topic = %(topic)s",
    "refused_by": "(refused_by = %(refused_by)s OR refused_by LIKE %(refused_by)s || '/%%')",
    "partition": "kafka_partition = %(partition)s",
    "first_offset": "kafka_offset >= %(first_offset)s",
    "last_offset": "kafka_offset <= %(last_offset)s",
    "rule": "rule = %(rule)s",
    "reason": "strpos(lower(reason), lower(%(reason)s)) > 0",
    "since": "refused_at >= %(since)s",
    "until": "refused_at < %(until)s",
}
"""Filter → its SQL condition; each value is a bound parameter."""
NUMBERS: Final = ("partition", "first_offset", "last_offset")
TIMES: Final = ("since", "until")


@dataclass(frozen=True, slots=True)
class Selection:
    """Filters of a selection; without filters it selects every dead letter."""

    filters: Mapping[str, Any]

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Selection:
        """Return the selection of a form's fields; empty fields are no filters.

        Raises:
            ValueError: a field is unknown, not a number or not a time; or offsets are given without topic and dataset.
        """
        given = {name: value for name, value in params.items() if value not in (None, "")}
        if unknown := sorted(given.keys() - FILTERS.keys()):
            raise ValueError(f"unknown filter {unknown[0]!r} of dead letters; known filters: {', '.join(FILTERS)}")
        filters: dict[str, Any] = {}
        for name, value in given.items():
            filters[name] = _read(name, value)
        if {"first_offset", "last_offset"} & filters.keys() and not {"topic", "dataset"} & filters.keys():
            raise ValueError("`first_offset` and `last_offset` need a topic: set `topic` or `dataset` too")
        return cls(filters)

    @property
    def condition(self) -> str:
        """Return the SQL condition for the table `dead_letters`, with `filters` as its parameters."""
        return " AND ".join(FILTERS[name] for name in FILTERS if name in self.filters) or "true"

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.filters.items()) or "all dead letters"


def _read(name: str, value: Any) -> Any:
    try:
        if name in NUMBERS:
            if isinstance(value, bool) or int(value) < 0:
                raise ValueError
            return int(value)
        if name in TIMES:
            at = datetime.fromisoformat(str(value))
            return at if at.tzinfo else at.replace(tzinfo=UTC)
    except ValueError:
        what = "a whole number from 0" if name in NUMBERS else "an ISO time such as 2026-11-24T12:00"
        raise ValueError(f"`{name}` must be {what}; got {value!r}") from None
    return str(value)
