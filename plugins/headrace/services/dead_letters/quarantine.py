"""Lake table that keeps refused records: the dataset `platform.dead_letters`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headrace.services.dead_letters.record import DeadLetter, Position
from headrace.systems.lake.hook import LakeHook

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import Table

TABLE: Final = "quarantine.platform_dead_letters"
KEY: Final = ("refused_by", "topic", "kafka_partition", "kafka_offset")


class Kept(NamedTuple):
    """Refused record, as it was read."""

    key: bytes | None
    payload: bytes | None
    at: datetime
    """The record's own timestamp; if unknown, the time when it was refused."""


class Quarantine:
    """The quarantine table. A writer must hold a lock: two concurrent writers could keep one dead letter twice."""

    def __init__(self, lake: LakeHook) -> None:
        self._lake = lake

    def keep(self, dead_letters: Iterable[DeadLetter]) -> int:
        """Keep those of the dead letters that the table lacks, in one commit; return how many."""
        first = {each.position: each for each in reversed(list(dead_letters))}

        def kept() -> int:
            from headrace.systems.lake.once import OnThisState

            table = self._lake.need(TABLE)
            there = {_position(row) for row in self._found(table, list(first), KEY)}
            new = [each for position, each in sorted(first.items()) if position not in there]
            if new:
                with OnThisState(table) as transaction:
                    transaction.append(_arrow(new, table))
            return len(new)

        return self._lake.call(kept) if first else 0

    def kept(self, positions: Sequence[Position]) -> dict[Position, Kept]:
        """Return the records at these positions, as far as the table has them."""
        columns = (*KEY, "key", "payload", "recorded_at", "refused_at")
        rows = self._lake.call(lambda: self._found(self._lake.need(TABLE), positions, columns))
        return {
            _position(row): Kept(row["key"], row["payload"], row["recorded_at"] or row["refused_at"]) for row in rows
        }

    @staticmethod
    def _found(table: Table, positions: Sequence[Position], columns: Sequence[str]) -> list[dict[str, Any]]:
        if not positions:
            return []
        wanted = set(positions)
        scan = table.scan(row_filter=_among(positions), selected_fields=tuple(columns))
        return [row for row in scan.to_arrow().to_pylist() if _position(row) in wanted]


def _among(positions: Sequence[Position]) -> BooleanExpression:
    """Return a filter that matches these positions and few others."""
    import pyiceberg.expressions

    e: Any = pyiceberg.expressions  # pydantic's models of them have no positional arguments
    offsets: dict[tuple[str, str], set[int]] = {}
    for position in positions:
        offsets.setdefault((position.refused_by, position.topic), set()).add(position.offset)
    parts: list[BooleanExpression] = [
        e.And(e.EqualTo("refused_by", who), e.EqualTo("topic", topic), e.In("kafka_offset", found))
        for (who, topic), found in offsets.items()
    ]
    return reduce(e.Or, parts)


def _position(row: dict[str, Any]) -> Position:
    return Position(*(row[name] for name in KEY))


def _arrow(dead_letters: Sequence[DeadLetter], table: Table) -> Any:
    import pyarrow as pa
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    rows = [
        {
            **dict(zip(KEY, each.position, strict=True)),
            "dataset": each.dataset,
            "rule": each.rule,
            "reason": each.reason,
            "key": each.key,
            "payload": each.payload,
            "recorded_at": each.recorded_at,
            "refused_at": each.refused_at,
        }
        for each in dead_letters
    ]
    return pa.Table.from_pylist(rows, schema=schema_to_pyarrow(table.schema(), include_field_ids=False))
