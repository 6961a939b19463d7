"""The fold against an oracle that plays a database, its log and Debezium's reading of both."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.systems.kafka.counting import PartitionCount, TopicCount, fold, rows_by_key

COLUMNS = {
    "offset": pl.Int64,
    "key": pl.Binary,
    "op": pl.String,
    "snapshot": pl.String,
    "lsn": pl.Int64,
}


@dataclass
class Source:
    """Rows, log position, and the records that a topic would hold."""

    rows: set[int] = field(default_factory=set)
    lsn: int = 100
    records: list[tuple[int, bytes, str, str | None, int]] = field(default_factory=list)
    capturing: bool = True

    def _emit(self, key: int, op: str, snapshot: str | None, lsn: int) -> None:
        # Offsets have gaps, as the markers of transactions make them.
        self.records.append((len(self.records) * 2, b"%d" % key, op, snapshot, lsn))

    def change(self, key: int) -> None:
        self.lsn += 10
        op = "d" if key in self.rows else "c"
        self.rows ^= {key}
        if self.capturing:
            self._emit(key, op, "false", self.lsn)

    def update(self, key: int) -> None:
        self.lsn += 10
        if key in self.rows and self.capturing:
            self._emit(key, "u", "false", self.lsn)

    def snapshot(self, marked: bool, overlap: list[int]) -> None:
        """A snapshot; the changes to `overlap` are in it, and streamed after it once more."""
        self.capturing = True
        late = []
        if not self.rows.symmetric_difference(overlap):
            overlap = []  # the snapshot would be empty, and leave no record to tell what overlaps it
        for key in overlap:
            self.lsn += 10
            late.append((key, "d" if key in self.rows else "c", self.lsn))
            self.rows ^= {key}
        self.lsn += 10
        for number, key in enumerate(sorted(self.rows)):
            mark = "true" if number else "first_in_data_collection"
            self._emit(key, "r", mark if marked else None, self.lsn)
        position = self.lsn if self.rows else max((record[4] for record in self.records), default=0)
        for key, op, lsn in late:
            self._emit(key, op, "false", lsn)
        for key in self._served() - self.rows:  # what vanished unseen, deleted as recovery does it
            self._emit(key, "d", "false", position)

    def _served(self) -> set[int]:
        last = {int(key): op for _, key, op, _, _ in self.records}
        return {key for key, op in last.items() if op != "d"}

    def frame(self, start: int, end: int) -> pl.DataFrame:
        return pl.DataFrame(self.records[start:end], schema=COLUMNS, orient="row")


KEYS = st.integers(0, 7)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), KEYS),
        st.tuples(st.just("update"), KEYS),
        st.tuples(st.just("loss"), st.none()),
        st.tuples(st.just("snapshot"), st.lists(KEYS, unique=True, max_size=3)),
    ),
    max_size=40,
)


def _count(source: Source, cuts: list[int]) -> int:
    """As the reader does it: fold each batch, count by key from the snapshot where it overlaps."""
    count, inexact, position = PartitionCount(), False, 0
    for end in [*sorted(cuts), len(source.records)]:
        folded = fold(count, source.frame(position, end))
        inexact = folded.overlaps or (inexact and folded.after.snapshot_offset == count.snapshot_offset)
        count, position = folded.after, max(position, end)
        if inexact:
            seen = source.frame(0, position).filter(pl.col("offset") >= count.snapshot_offset)
            count, inexact = PartitionCount(**{**_fields(count), "rows": rows_by_key(seen)}), False
    return count.rows


def _fields(count: PartitionCount) -> dict[str, int | None]:
    return {name: getattr(count, name) for name in PartitionCount.__dataclass_fields__}


@given(STEPS, st.booleans(), st.lists(st.integers(0, 60), max_size=4))
@settings(max_examples=300, deadline=None)
def test_the_fold_counts_what_the_source_holds(steps: list[tuple[str, object]], marked: bool, cuts: list[int]) -> None:
    source = Source()
    for kind, value in steps:
        if kind == "loss":
            source.capturing = False
        elif kind == "snapshot":
            source.snapshot(marked, value if source.rows else [])  # type: ignore[arg-type]
        else:
            getattr(source, kind)(value)
    if not source.capturing:
        source.snapshot(marked, [])
    assert _count(source, [cut for cut in cuts if cut < len(source.records)]) == len(source.rows)


def _events(*rows: tuple[int, str, str | None, int]) -> pl.DataFrame:
    return pl.DataFrame([(o, b"k", op, s, lsn) for o, op, s, lsn in rows], schema=COLUMNS, orient="row")


def test_a_snapshot_voids_what_was_counted_before() -> None:
    before = PartitionCount(rows=40, snapshot_offset=1, snapshot_lsn=5)
    after, overlaps = fold(before, _events((50, "r", "first", 9), (51, "r", "last", 9), (52, "c", "false", 12)))
    assert (after.rows, after.snapshot_offset, after.snapshot_lsn, overlaps) == (3, 50, 9, False)


def test_a_snapshot_goes_on_in_the_next_batch() -> None:
    first, _ = fold(PartitionCount(), _events((0, "r", "first", 9), (1, "r", "true", 9)))
    second, _ = fold(first, _events((2, "r", "true", 9), (3, "r", "last", 9)))
    assert (second.rows, second.snapshot_offset) == (4, 0)


def test_a_snapshot_that_was_interrupted_begins_anew() -> None:
    first, _ = fold(PartitionCount(), _events((0, "r", "first", 9), (1, "r", "true", 9)))
    second, _ = fold(first, _events((2, "r", "first", 11), (3, "r", "true", 11), (4, "r", "last", 11)))
    assert (second.rows, second.snapshot_offset, second.snapshot_lsn) == (3, 2, 11)


def test_a_change_below_the_snapshots_position_overlaps_it() -> None:
    before = PartitionCount(rows=2, snapshot_lsn=9)
    assert fold(before, _events((5, "c", "false", 8))).overlaps
    assert fold(before, _events((5, "c", "false", 9))).overlaps
    assert not fold(before, _events((5, "c", "false", 10))).overlaps
    assert fold(before, _events((5, "r", "incremental", 30))).overlaps


def test_a_lake_without_snapshot_marks_is_counted_by_the_positions() -> None:
    after, _ = fold(PartitionCount(), _events((0, "r", None, 9), (1, "r", None, 9), (2, "d", None, 12)))
    assert (after.rows, after.snapshot_lsn) == (1, 9)


def test_nothing_new_changes_nothing() -> None:
    before = PartitionCount(3, 4, 1, 0, 2, 0, 7)
    assert fold(before, _events()) == (before, False)


def test_a_count_survives_json() -> None:
    count = TopicCount("t", {0: PartitionCount(9, 8, 1, 0, 5, 2, 77), 3: PartitionCount()})
    assert TopicCount.from_json(count.to_json()) == count
    assert (count.changes, count.rows) == (7, 5)


@pytest.mark.parametrize(("ops", "rows"), [("c", 1), ("cd", 0), ("cdc", 1), ("ru", 1), ("d", 0)])
def test_a_key_counts_by_its_last_event(ops: str, rows: int) -> None:
    frame = pl.DataFrame({"offset": range(len(ops)), "key": [b"k"] * len(ops), "op": list(ops)})
    assert rows_by_key(frame.reverse()) == rows
