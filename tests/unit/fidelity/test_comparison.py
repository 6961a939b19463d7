"""The comparison finds every difference, and calls one silent unless a dead letter names its record."""

from __future__ import annotations

from dataclasses import replace

from tests.fidelity.capture import Capture
from tests.fidelity.changes import Change, Position, Record
from tests.fidelity.compare import Comparison, compare_records, compare_rows, reported_keys
from tests.fidelity.kinds import KINDS
from tests.fidelity.report import report
from tests.fidelity.tables import Column, K, Table

TABLE = Table("t", (replace(K, in_key=True), Column("d", KINDS["date"], nullable=True)))


def record(offset: int, k: int, day: int | None = None, *, deleted: bool = False) -> Record:
    return Record(Position(0, offset), (k,), (k, day), deleted)


RECORDS = [record(0, 1, 10), record(1, 2, 20), record(2, 1, 11), record(3, 2, 20, deleted=True)]
WRITTEN = [Change((1,), (1, 10)), Change((2,), (2, 20)), Change((1,), (1, 11)), Change((2,), None)]


def captured(
    written: list[Change],
    records: list[Record],
    dead_letters: dict[str, int] | None = None,
    hazards: tuple[int, ...] = (1, 2),
) -> Comparison:
    capture = Capture(TABLE, dead_letters or {}, hazards)
    capture.compare(written, records)
    return capture.found


def test_what_is_the_same_has_no_difference() -> None:
    for done in (
        captured(WRITTEN, RECORDS),
        compare_records(TABLE, "raw", RECORDS, list(reversed(RECORDS)), ()),
        compare_rows(TABLE, "view", {(1,): (1, 11)}, [((1,), (1, 11))], ()),
    ):
        assert (done.silent, done.reported) == (0, 0)
        assert done.values > 0


def test_a_change_that_is_missing_twice_or_other_is_found() -> None:
    for records in (RECORDS[1:], [*RECORDS, record(4, 1, 11)], [record(0, 1, 12), *RECORDS[1:]]):
        assert captured(WRITTEN, records).silent


def test_a_change_that_a_dead_letter_names_deletes_the_row_as_it_was() -> None:
    deleted = [RECORDS[0], RECORDS[1], record(2, 1, 10, deleted=True), RECORDS[3]]
    capture = Capture(TABLE, {"k=1": 1}, (1,))
    capture.compare(WRITTEN, deleted)
    assert (capture.found.silent, capture.found.reported, capture.refused) == (0, 1, {(1,)})
    assert captured(WRITTEN, [deleted[0], deleted[1], deleted[3]], {"k=1": 1}).silent  # the stale row stays


def test_a_row_whose_first_change_a_dead_letter_names_is_inserted_later() -> None:
    capture = Capture(TABLE, {"k=1": 1, "k=2": 1}, (1, 2))
    capture.compare(WRITTEN, [RECORDS[2]])
    assert (capture.found.silent, capture.found.reported, capture.refused) == (0, 2, set())


def test_a_dead_letter_of_another_key_or_of_a_plain_value_or_too_many_is_found() -> None:
    assert captured(WRITTEN, RECORDS[1:], {"k=2": 1}).silent
    assert captured(WRITTEN, RECORDS[1:], {"k=1": 1}, hazards=(2,)).silent
    assert captured(WRITTEN, RECORDS, {"k=1": 1}).silent
    assert captured(WRITTEN, RECORDS, {"k=9": 1}).silent
    assert captured(WRITTEN, RECORDS[1:], {"k=1": 2}).silent


def test_the_row_of_a_refused_key_may_not_be_served() -> None:
    source = {(1,): (1, 11)}
    assert compare_rows(TABLE, "view", source, [], (), {(1,)}).silent == 0
    assert compare_rows(TABLE, "view", source, [((1,), (1, 10))], (), {(1,)}).silent == 1


def test_a_record_is_missing_silently_unless_a_dead_letter_names_it() -> None:
    assert compare_records(TABLE, "raw", RECORDS, RECORDS[1:], ()).silent == 1
    reported = compare_records(TABLE, "raw", RECORDS, RECORDS[1:], {Position(0, 0)})
    assert (reported.silent, reported.reported) == (0, 1)


def test_a_dead_letter_excuses_no_value_that_is_there_and_wrong() -> None:
    wrong = [record(0, 1, 12), *RECORDS[1:]]
    assert compare_records(TABLE, "raw", RECORDS, wrong, {Position(0, 0)}).silent == 1


def test_a_record_that_is_there_twice_or_from_nowhere_is_found() -> None:
    assert compare_records(TABLE, "raw", RECORDS, [*RECORDS, RECORDS[0]], ()).silent == 1
    assert compare_records(TABLE, "raw", RECORDS, [*RECORDS, record(9, 9)], ()).silent == 1


def test_a_deletion_that_became_a_row_is_found() -> None:
    held = [*RECORDS[:3], replace(RECORDS[3], deleted=False)]
    assert compare_records(TABLE, "raw", RECORDS, held, ()).silent == 1


def test_null_is_no_zero_and_true_is_no_one() -> None:
    assert compare_rows(TABLE, "view", {(1,): (1, None)}, [((1,), (1, 0))], ()).silent == 1
    assert compare_rows(TABLE, "view", {(1,): (1, 1)}, [((1,), (1, True))], ()).silent == 1


def test_a_row_that_is_stale_missing_or_too_many_is_found() -> None:
    source = {(1,): (1, 11)}
    for held in ([((1,), (1, 10))], [], [((1,), (1, 11)), ((1,), (1, 11))], [((1,), (1, 11)), ((2,), (2, 20))]):
        assert compare_rows(TABLE, "view", source, held, ()).silent == 1


def test_a_key_is_reported_until_a_later_record_of_it_is_carried() -> None:
    assert reported_keys(RECORDS, {Position(0, 0)}) == set()
    assert reported_keys(RECORDS, {Position(0, 2)}) == {(1,)}


def test_the_report_names_table_key_column_stage_and_both_values() -> None:
    done = compare_rows(TABLE, "view", {(1,): (1, -43_829)}, [((1,), (1, -25_567))], ())
    text = report(done, [TABLE])
    for part in ("table t, key k = 1", "stage view", "column d (date)", "source: 1850-01-01", "stage:  1900-01-01"):
        assert part in text
