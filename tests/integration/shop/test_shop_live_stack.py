from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from include.shop.baskets import Year
from include.shop.errors import ShopError
from include.shop.live import LiveSettings, run_live
from include.shop.script import Batch, Mix, first_basket_id
from include.shop.source import Sample
from include.shop.statistics import Statistics
from include.shop.transactions import Outcome
from tests.integration.shop.conftest import SAMPLE_ROWS
from tests.integration.shop.wire import wire_to

pytestmark = pytest.mark.stack

ROOT = Path(__file__).parents[3]
Fetch = Callable[..., list[tuple[object, ...]]]
BUSY = Mix(0.5, 0.4, 0.4, 0.3, 0.3, 0.5, 0.3, 0.3)


@pytest.fixture(scope="module")
def year() -> Year:
    return Year.load(Sample(rows=SAMPLE_ROWS))


def content(fetch: Fetch, conninfo: str, run: int) -> list[tuple[object, ...]]:
    first = first_basket_id(run)
    return fetch(
        conninfo,
        "SELECT basket_id - %s, product_id, household_id, quantity, sales_value, week"
        " FROM retail.transactions WHERE basket_id >= %s AND basket_id < %s ORDER BY 1, 2",
        first,
        first,
        first_basket_id(run + 1),
    )


def test_the_shop_stops_after_exactly_so_many_rows(shop_database: str, fetch: Fetch, year: Year) -> None:
    settings = LiveSettings(rows_per_s=0, rows=777, mix=Mix.plain())
    statistics = run_live(shop_database, settings, year=year)
    assert statistics.rows == len(content(fetch, shop_database, statistics.run)) == 777


def test_everything_that_may_happen_reaches_the_database(shop_database: str, fetch: Fetch, year: Year) -> None:
    batches: list[Batch] = []
    statistics = run_live(
        shop_database,
        LiveSettings(rows_per_s=0, rows=3000, mix=BUSY),
        year=year,
        on_commit=lambda batch, _: batches.append(batch),
    )
    rows = content(fetch, shop_database, statistics.run)
    lines = sum(len(basket.lines) for batch in batches for basket in batch.baskets)
    assert len(rows) == lines - statistics.voids
    assert sum(quantity < 0 for _, _, _, quantity, _, _ in rows) == statistics.returns > 0  # type: ignore[operator]
    assert any(household is None for _, _, household, _, _, _ in rows)
    assert statistics.rows == sum(batch.changes for batch in batches) == 3000
    assert (
        min(statistics.corrections, statistics.voids, statistics.changes, statistics.redemptions, statistics.late) > 0
    )
    (ages,) = fetch(
        shop_database,
        "SELECT count(DISTINCT basket_id) FILTER (WHERE now() - checked_out_at > '1 min 50 s'),"
        " max(now() - checked_out_at) < interval '7 h' FROM retail.transactions"
        " WHERE basket_id >= %s",
        first_basket_id(statistics.run),
    )
    assert ages[1]
    assert 0 < ages[0] <= statistics.late  # type: ignore[operator]


def test_the_same_seed_writes_the_same_rows(shop_database: str, fetch: Fetch, year: Year) -> None:
    settings = LiveSettings(rows_per_s=0, rows=600, seed=4, mix=BUSY)
    runs = [run_live(shop_database, settings, year=year).run for _ in range(2)]
    first, second = (content(fetch, shop_database, run) for run in runs)
    assert first == second
    assert runs[0] != runs[1]


def test_baskets_share_a_transaction_when_set(shop_database: str, fetch: Fetch, year: Year) -> None:
    settings = LiveSettings(rows_per_s=0, rows=500, mix=Mix.plain(), baskets_per_commit=5)
    statistics = run_live(shop_database, settings, year=year)
    (row,) = fetch(
        shop_database,
        "SELECT count(DISTINCT xmin::text), count(DISTINCT basket_id) FROM retail.transactions WHERE basket_id >= %s",
        first_basket_id(statistics.run),
    )
    assert row == (statistics.commits, statistics.baskets)
    assert statistics.commits == -(-statistics.baskets // 5)


def test_the_pace_is_kept(shop_database: str, year: Year) -> None:
    statistics = run_live(shop_database, LiveSettings(rows_per_s=200, seconds=2), year=year)
    assert statistics.seconds == pytest.approx(2, abs=0.3)
    assert statistics.rows == pytest.approx(400, abs=100)


def test_check_outs_may_keep_the_gaps_of_the_year(shop_database: str, fetch: Fetch, year: Year) -> None:
    settings = LiveSettings(speed=36_000, rows=60, seconds=60, mix=Mix.plain(), clock="shifted", seed=1)
    batches: list[Batch] = []
    statistics = run_live(shop_database, settings, year=year, on_commit=lambda batch, _: batches.append(batch))
    booked = fetch(
        shop_database,
        "SELECT DISTINCT basket_id, checked_out_at FROM retail.transactions WHERE basket_id >= %s ORDER BY 1",
        first_basket_id(statistics.run),
    )
    begun = booked[0][1]
    assert [at - begun for _, at in booked] == [b.at for b in batches]  # type: ignore[operator]
    assert statistics.seconds >= batches[-1].at.total_seconds() / 36_000


def test_progress_is_reported_while_the_shop_is_open(shop_database: str, year: Year) -> None:
    seen: list[Statistics] = []
    settings = LiveSettings(rows_per_s=50, seconds=2.5)
    run_live(shop_database, settings, year=year, on_progress=seen.append)
    assert len(seen) == 2
    assert seen[0].rows < seen[1].rows


def test_nothing_is_lost_or_doubled_while_the_wire_is_cut_again_and_again(
    shop_database: str, fetch: Fetch, year: Year
) -> None:
    settings = LiveSettings(rows_per_s=0, rows=1500, mix=BUSY, seed=9, baskets_per_commit=1)
    commits = count()
    with wire_to(shop_database) as wire:

        def cut_often(_batch: Batch, _outcome: Outcome) -> None:
            if (number := next(commits)) % 7 == 0:
                wire.cut("after" if number % 2 else "before")

        cut = run_live(wire.conninfo, settings, year=year, on_commit=cut_often)
    calm = run_live(shop_database, settings, year=year)

    assert wire.cuts > 5
    assert cut.retries == wire.cuts
    assert 0 < cut.found < cut.retries
    assert content(fetch, shop_database, cut.run) == content(fetch, shop_database, calm.run)


def test_an_outage_is_waited_for_and_not_followed_by_a_burst(shop_database: str, year: Year) -> None:
    begun = threading.Event()

    def begin(*_: object) -> None:
        if not begun.is_set():  # the shop trades, so it waits for the database from now on
            begun.set()
            for after_s, happens in ((0.5, wire.take_down), (3.5, wire.put_up)):
                threading.Timer(after_s, happens).start()

    with wire_to(shop_database) as wire:
        statistics = run_live(wire.conninfo, LiveSettings(rows_per_s=100, seconds=10), year=year, on_commit=begin)
    assert statistics.retries > 0
    assert statistics.forgiven_s > 0.5
    assert 100 < statistics.rows < 900
    assert statistics.unknown == 0
    assert statistics.away == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_the_shop_cleanly(shop_database: str, fetch: Fetch, number: signal.Signals) -> None:
    shop = subprocess.Popen(
        [sys.executable, "-m", "include.shop.cli", "live", "--rows-per-s", "50", "--plain"],
        cwd=ROOT,
        env=os.environ | {"HEADRACE_OLTP_DSN": shop_database, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert shop.stdout is not None
    first = shop.stdout.readline()
    shop.send_signal(number)
    output, _ = shop.communicate(timeout=30)
    assert shop.returncode == 0, output
    assert "rows/s" in first
    assert output.splitlines()[-1].startswith("stopped after ")


def test_a_shop_without_its_history_is_an_error_with_the_next_step(schema_database: str) -> None:
    with pytest.raises(ShopError, match="the history is not loaded"):
        run_live(schema_database)
