"""Gaps by comparing offsets."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from headrace.services.proving.gaps import Gap, Place, gaps, removed, start

OFFSETS = st.sets(st.integers(0, 60))


def test_records_that_follow_each_other_are_one_gap_whatever_uses_the_offsets_between() -> None:
    assert list(gaps([1, 3, 5, 8, 9], {8})) == [Gap(1, 5, 3), Gap(9, 9, 1)]


def test_a_dead_letter_is_no_gap_and_ends_one() -> None:
    assert list(gaps([1, 2, 3], set(), {2})) == [Gap(1, 1, 1), Gap(3, 3, 1)]


@given(OFFSETS, OFFSETS, OFFSETS)
def test_a_gap_holds_exactly_the_records_that_are_nowhere(
    valued: set[int], raw: set[int], dead_letters: set[int]
) -> None:
    found = list(gaps(sorted(valued), raw, dead_letters))
    missing = valued - raw - dead_letters
    assert sum(gap.records for gap in found) == len(missing)
    for gap in found:
        inside = {offset for offset in valued if gap.first <= offset <= gap.last}
        assert inside <= missing
        assert {gap.first, gap.last} <= inside
        assert len(inside) == gap.records
    assert found == sorted(found)
    for one, following in itertools.pairwise(found):
        assert any(one.last < offset < following.first for offset in valued - missing), "else they are one gap"


def test_what_is_proven_and_then_removed_is_no_gap() -> None:
    place = Place(proven=50, begin=40, read=70)
    assert (removed(place), start(place)) == ((), 50)


def test_what_the_sink_read_and_nobody_compared_is_unproven() -> None:
    place = Place(proven=10, begin=40, read=70)
    assert (removed(place), start(place)) == ((Gap(10, 39, 30, "unproven"),), 40)


def test_what_the_sink_did_not_read_is_lost() -> None:
    assert removed(Place(proven=10, begin=40, read=25)) == (Gap(10, 24, 15, "unproven"), Gap(25, 39, 15, "lost"))
    assert removed(Place(proven=30, begin=40, read=25)) == (Gap(30, 39, 10, "lost"),)
    assert removed(Place(proven=None, begin=40, read=25)) == (Gap(25, 39, 15, "lost"),)


def test_a_partition_that_was_never_compared_begins_with_what_kafka_has() -> None:
    place = Place(proven=None, begin=40, read=70)
    assert (removed(place), start(place)) == ((), 40)


@given(st.none() | st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_every_removed_offset_is_in_one_gap(proven: int | None, begin: int, read: int) -> None:
    place = Place(proven, begin, read)
    named = [offset for gap in removed(place) for offset in range(gap.first, gap.last + 1)]
    first = min(read, begin) if proven is None else proven
    assert named == list(range(first, begin))
    assert all((offset >= read) == (gap.kind == "lost") for gap in removed(place) for offset in (gap.first, gap.last))
