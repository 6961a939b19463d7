from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from include.shop.baskets import Line
from include.shop.errors import ShopError
from include.shop.live import LiveSettings
from include.shop.script import Batch, Correction, NewBasket, RecordChange, Void
from include.shop.statistics import Statistics
from include.shop.transactions import shifted

SALE = NewBasket(1, 7, 3, 1, timedelta(hours=2), timedelta(minutes=5), "sale", (Line(1, 1, 100, 0, 0, 0),) * 3)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"rows_per_s": -1.0}, "rows_per_s must not be negative; got -1.0"),
        ({"rows": -1}, "rows must not be negative; got -1"),
        ({"seconds": -1.0}, "seconds must not be negative"),
        ({"speed": 0.0}, "speed must be greater than 0"),
        ({"baskets_per_commit": 0}, "baskets_per_commit must be at least 1; got 0"),
    ],
)
def test_a_wrong_setting_is_refused_in_a_sentence(wrong: dict[str, float], sentence: str) -> None:
    with pytest.raises(ShopError, match=sentence):
        LiveSettings(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        (LiveSettings(), 1),
        (LiveSettings(rows_per_s=1000), 1),
        (LiveSettings(rows_per_s=10_000), 10),
        (LiveSettings(rows_per_s=0), 10),
        (LiveSettings(speed=500), 1),
        (LiveSettings(rows_per_s=10_000, baskets_per_commit=2), 2),
    ],
)
def test_high_rates_put_several_baskets_in_a_transaction(settings: LiveSettings, size: int) -> None:
    assert settings.commit_size == size


def test_shifted_check_outs_keep_the_gaps_of_the_history() -> None:
    origin = datetime(2030, 1, 1, tzinfo=UTC)
    assert shifted(origin)(SALE) == datetime(2030, 1, 1, 1, 55, tzinfo=UTC)


def test_a_tally_counts_what_was_committed_and_nothing_else() -> None:
    riders = (Correction(1, 1, 1, 1), Void(1, 1), RecordChange("products", 1, "package_size", None))
    batch = Batch((SALE,), riders)
    statistics = Statistics()
    for outcome in ("committed", "found", "abandoned", "unknown"):
        statistics.add(batch, outcome)  # type: ignore[arg-type]
    assert (statistics.rows, statistics.commits, statistics.baskets, statistics.late) == (12, 2, 2, 2)
    assert (statistics.corrections, statistics.voids, statistics.changes) == (2, 2, 2)
    assert (statistics.found, statistics.unknown) == (1, 1)


def test_a_progress_line_gives_the_rate_since_the_last_one() -> None:
    line = Statistics(seconds=3, rows=300).line(since=Statistics(seconds=2, rows=180))
    assert "300 rows · 120.0 rows/s" in line
    away = Statistics(seconds=3, away="connection refused", retries=2).line()
    assert away.endswith("2 retries, 0 found committed · database unavailable: connection refused")
