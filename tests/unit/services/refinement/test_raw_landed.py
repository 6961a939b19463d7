"""When refinement is told that something has landed: once, until it answers; all datasets by one look."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from headrace.services.refinement.due import Due, Seen
from headrace.services.refinement.triggers import RawLandedTrigger


def fired_at(*seen: tuple[float, int, int]) -> list[float]:
    """The times at which an event fired, of (time, landed, refined)."""
    due = Due(again_s=900)
    return [at for at, landed, refined in seen if due.is_due(Seen(landed, refined), at)]


def test_refined_changes_fire_no_event() -> None:
    assert fired_at((0, 0, 0), (60, 7, 7)) == []


def test_what_lands_meanwhile_waits_for_the_requested_refinement() -> None:
    assert fired_at((0, 5, 0), (60, 6, 0), (120, 7, 0), (180, 8, 5), (240, 8, 5), (300, 8, 8)) == [0, 180]


def test_a_refinement_that_does_not_run_is_requested_again() -> None:
    assert fired_at((0, 5, 0), (60, 6, 0), (899, 7, 0), (900, 7, 0), (960, 7, 0)) == [0, 900]


def test_the_next_change_after_all_is_refined_fires_at_once() -> None:
    assert fired_at((0, 5, 4), (60, 5, 5), (120, 6, 5), (180, 6, 6), (200, 7, 6)) == [0, 120, 200]


def test_a_recreated_table_fires_an_event() -> None:
    assert fired_at((0, 9, 9), (60, 3, 9)) == [60]


def test_a_refinement_rests_unless_the_machine_is_idle() -> None:
    resting, rested = Seen(7, 5, rests_s=12.0), Seen(7, 5, rests_s=-1.0)
    assert [Due().is_due(resting, 0.0), Due().is_due(resting, 0.0, idle=True), Due().is_due(rested, 0.0)] == [
        False,
        True,
        True,
    ]
    due = Due(again_s=900)
    assert [due.is_due(seen, at) for at, seen in ((0.0, resting), (60.0, rested), (120.0, rested))] == [
        False,
        True,
        False,
    ]


async def stream(found: Sequence[dict[str, Seen]]) -> AsyncIterator[dict[str, Seen]]:
    for each in found:
        yield each


def test_each_trigger_fires_for_its_own_dataset_only() -> None:
    async def events_of(dataset: str) -> list[object]:
        trigger = RawLandedTrigger(dataset, "schemas")
        found = [{"shop.a": Seen(1, 0)}, {}, {"shop.a": Seen(1, 1), "shop.b": Seen(2, 0)}]
        return [event.payload async for event in trigger.filter_shared_stream(stream(found))]

    assert asyncio.run(events_of("shop.a")) == [{"dataset": "shop.a", "state": 1, "done": 0}]
    assert asyncio.run(events_of("shop.b")) == [{"dataset": "shop.b", "state": 2, "done": 0}]
    assert asyncio.run(events_of("shop.c")) == []


def test_only_watched_datasets_are_polled() -> None:
    async def watched() -> list[dict[str, int]]:
        one, two = (RawLandedTrigger("shop.a", "schemas") for _ in range(2))
        seen = []
        async for _ in one.filter_shared_stream(stream([{"shop.a": Seen(1, 0)}])):
            async for _ in two.filter_shared_stream(stream([{"shop.a": Seen(1, 0)}])):
                seen.append(dict(RawLandedTrigger.watched))
            seen.append(dict(RawLandedTrigger.watched))
        return [*seen, dict(RawLandedTrigger.watched)]

    assert asyncio.run(watched()) == [{"shop.a": 2}, {"shop.a": 1}, {}]


@pytest.mark.parametrize(("other", "shared"), [(("shop.b", "x", 60.0), True), (("shop.a", "y", 60.0), False)])
def test_triggers_with_the_same_arguments_share_a_poll(other: tuple[str, str, float], shared: bool) -> None:
    mine = RawLandedTrigger("shop.a", "x")
    assert (mine.shared_stream_key() == RawLandedTrigger(*other).shared_stream_key()) is shared
    path, arguments = mine.serialize()
    assert path.endswith("refinement.triggers.RawLandedTrigger")
    assert RawLandedTrigger(**arguments).serialize() == mine.serialize()
