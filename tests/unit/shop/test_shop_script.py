from __future__ import annotations

import statistics
from collections import Counter
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.shop.baskets import Year
from include.shop.script import (
    FIRST_LIVE_BASKET,
    REMEMBERED_LINES,
    Batch,
    Correction,
    Mix,
    RecordChange,
    Void,
    World,
    capped,
    first_basket_id,
    merged,
    script,
)
from include.shop.source import Sample, frame

BUSY = Mix(0.5, 0.4, 0.4, 0.3, 0.3, 0.5, 0.3, 0.3)


@pytest.fixture(scope="module")
def year() -> Year:
    return Year.load(Sample(rows=3000))


@pytest.fixture(scope="module")
def world() -> World:
    households = tuple(range(1, 2501))
    return World(households[:9], (1, 2, 3), dict.fromkeys(households, (7, 8)), {7: (70,), 8: (80,)})


def batches(year: Year, world: World, count: int, mix: Mix = BUSY, seed: int = 1) -> list[Batch]:
    lines = script(year.replay(), world, mix, seed=seed, first_id=first_basket_id(1))
    return list(islice(lines, count))


def test_the_same_seed_gives_the_same_script_and_another_another(year: Year, world: World) -> None:
    assert batches(year, world, 300) == batches(year, world, 300)
    assert batches(year, world, 300) != batches(year, world, 300, seed=2)


def test_a_script_only_touches_what_is_there(year: Year, world: World) -> None:
    """A shop played in memory: no line is booked twice, none is changed that does not exist."""
    booked: dict[tuple[int, int], int] = {}
    for batch in batches(year, world, 3000):
        for basket in batch.baskets:
            for line in basket.lines:
                key = (basket.basket_id, line.product_id)
                assert key not in booked
                booked[key] = line.quantity
        for rider in batch.riders:
            match rider:
                case Correction():
                    assert booked[rider.basket_id, rider.product_id] > 0
                    assert rider.quantity > 0
                    assert rider.sales_value > 0
                    booked[rider.basket_id, rider.product_id] = rider.quantity
                case Void():
                    del booked[rider.basket_id, rider.product_id]
                case RecordChange(table="households"):
                    assert rider.key in world.household_ids
                case RecordChange():
                    assert rider.key in world.product_ids


def test_goods_come_back_with_every_amount_below_zero_and_once_only(year: Year, world: World) -> None:
    returns = [basket for batch in batches(year, world, 3000) for basket in batch.baskets if basket.kind == "return"]
    assert len(returns) > 500
    for basket in returns:
        (line,) = basket.lines
        assert line.quantity < 0
        assert line.sales_value < 0
        assert max(line.retail_discount, line.coupon_discount, line.coupon_match_discount) <= 0
        assert basket.redemption is None


def test_every_kind_of_change_happens_about_as_often_as_set(year: Year, world: World) -> None:
    found = batches(year, world, 4000, mix=Mix())
    sales = [b for batch in found for b in batch.baskets if b.kind == "sale"]
    happened = Counter(type(rider).__name__ for batch in found for rider in batch.riders)
    happened["return"] = sum(basket.kind == "return" for batch in found for basket in batch.baskets)
    happened["late"] = sum(bool(basket.lateness) for basket in sales)
    happened["no card"] = sum(basket.household_id is None for basket in sales)
    happened["redemption"] = sum(basket.redemption is not None for basket in sales)
    expected = {
        "Correction": 0.04,
        "Void": 0.02,
        "RecordChange": 0.015,
        "return": 0.02,
        "late": 0.02,
        "no card": 0.02,
        "redemption": 0.05,
    }
    assert {what: happened[what] / len(sales) for what in expected} == {
        what: pytest.approx(share, abs=0.012) for what, share in expected.items()
    }


def test_a_plain_script_is_sales_only(year: Year, world: World) -> None:
    for batch in batches(year, world, 500, mix=Mix.plain()):
        assert not batch.riders
        assert all(b.kind == "sale" and not b.lateness and b.household_id for b in batch.baskets)


def test_runs_never_share_a_basket_id_with_each_other_or_the_history(year: Year, world: World) -> None:
    assert first_basket_id(1) >= FIRST_LIVE_BASKET > frame("transactions")["basket_id"].max()
    ids = [basket.basket_id for batch in batches(year, world, 500) for basket in batch.baskets]
    assert ids == list(range(first_basket_id(1), first_basket_id(1) + len(ids)))
    assert ids[-1] < first_basket_id(2)


def test_memory_is_bounded(year: Year, world: World) -> None:
    """What is still corrected lies among the lines remembered, however long the shop is open."""
    chance = Mix(correction=0.2, goods_return=0, void=0)
    booked: list[int] = []
    distances: list[int] = []
    for batch in batches(year, world, 4000, mix=chance):
        corrected = [rider.basket_id for rider in batch.riders if isinstance(rider, Correction)]
        distances += [len(booked) - booked.index(basket_id) for basket_id in corrected]
        booked += [b.basket_id for b in batch.baskets for _ in b.lines]
    assert len(booked) > 4 * REMEMBERED_LINES
    assert statistics.median(distances) < REMEMBERED_LINES


@settings(max_examples=20, deadline=None)
@given(rows=st.integers(0, 700), per_commit=st.integers(1, 30), seed=st.integers(0, 5))
def test_a_capped_script_changes_exactly_so_many_rows(
    year: Year, world: World, rows: int, per_commit: int, seed: int
) -> None:
    lines = script(year.replay(), world, BUSY, seed=seed, first_id=first_basket_id(1))
    found = list(capped(merged(lines, per_commit), rows))
    assert sum(batch.changes for batch in found) == rows
    assert all(batch.baskets and all(basket.lines for basket in batch.baskets) for batch in found)


def test_merging_keeps_order_and_content(year: Year, world: World) -> None:
    one_by_one = batches(year, world, 100)
    together = list(merged(one_by_one, 7))

    assert [len(batch.baskets) for batch in together] == [7] * 14 + [2]
    assert [b for batch in together for b in batch.baskets] == [b for batch in one_by_one for b in batch.baskets]
    assert [r for batch in together for r in batch.riders] == [r for batch in one_by_one for r in batch.riders]
    assert together[0].at == one_by_one[6].at
