from __future__ import annotations

from datetime import timedelta
from itertools import islice

import pytest

from include.shop.baskets import Year
from include.shop.source import Sample, frame


@pytest.fixture(scope="module")
def year() -> Year:
    return Year.load(Sample(rows=500))


def test_one_round_replays_every_line_of_the_history_once(year: Year) -> None:
    rows = frame("transactions", Sample(rows=500))
    replayed = list(islice(year.replay(), len(year)))

    assert len(year) == rows["basket_id"].n_unique()
    assert sum(len(basket.lines) for _, basket in replayed) == rows.height
    cents = sum(line.sales_value for _, basket in replayed for line in basket.lines)
    assert cents == int(rows["sales_value"].sum() * 100)
    assert sum(line.quantity for _, b in replayed for line in b.lines) == rows["quantity"].sum()


def test_time_goes_on_from_one_year_into_the_next(year: Year) -> None:
    times = [at for at, _ in islice(year.replay(first=5), 3 * len(year))]
    assert times[0] == timedelta()
    assert times == sorted(times)


def test_a_lap_later_the_same_basket_comes_again(year: Year) -> None:
    replay = list(islice(year.replay(first=5), len(year) + 1))
    (begun, first), (ended, again) = replay[0], replay[-1]
    assert first == again
    assert ended > begun
