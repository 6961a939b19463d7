"""Replay the year's baskets as live transactions, at a chosen rate, until stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from random import Random
from typing import Literal

import psycopg

from include.shop.baskets import Year
from include.shop.errors import ShopError
from include.shop.history import loaded_sample
from include.shop.pacing import Pacer, Stop
from include.shop.schema import require_schema
from include.shop.script import Batch, Mix, World, capped, first_basket_id, merged, script
from include.shop.statistics import Statistics, reporting
from include.shop.transactions import Outcome, TransactionWriter, connect, now, shifted

ROWS_PER_COMMIT_RATE = 1_000
"""Rows per second up to which every basket is its own transaction."""

PRODUCTS_IN_MOTION = 2_000
"""Number of products that may change during a run."""


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """Settings of a live run."""

    rows_per_s: float = 100.0
    """Target rate in changed rows per second; 0: as fast as the database accepts them."""
    speed: float | None = None
    """Speed as a multiple of real time, instead of `rows_per_s`."""
    rows: int | None = None
    """Stop after exactly this many changed rows."""
    seconds: float | None = None
    """Stop after this many seconds."""
    seed: int = 0
    """Random seed; the same seed replays the same script on the same history."""
    baskets_per_commit: int | None = None
    """Baskets per transaction; None: 1, and more above 1,000 rows per second."""
    clock: Literal["now", "shifted"] = "now"
    """Check-out times: the time of booking, or the year's intervals counted from the start."""
    mix: Mix = field(default_factory=Mix)
    """Probabilities of corrections, returns and other events."""

    def __post_init__(self) -> None:
        for name, value in (
            ("rows_per_s", self.rows_per_s),
            ("speed", self.speed),
            ("rows", self.rows),
            ("seconds", self.seconds),
        ):
            if value is not None and value < 0:
                raise ShopError(f"{name} must not be negative; got {value}")
        if self.speed == 0:
            raise ShopError("speed must be greater than 0; got 0")
        if self.baskets_per_commit is not None and self.baskets_per_commit < 1:
            raise ShopError(f"baskets_per_commit must be at least 1; got {self.baskets_per_commit}")

    @property
    def commit_size(self) -> int:
        """Baskets per transaction."""
        if self.baskets_per_commit is not None:
            return self.baskets_per_commit
        if self.speed is not None:
            return 1
        rate = self.rows_per_s or 10 * ROWS_PER_COMMIT_RATE
        return max(1, round(rate / ROWS_PER_COMMIT_RATE))


def run_live(
    conninfo: str,
    settings: LiveSettings | None = None,
    *,
    stop: Stop | None = None,
    year: Year | None = None,
    on_progress: Callable[[Statistics], None] = lambda _: None,
    on_commit: Callable[[Batch, Outcome], None] = lambda _batch, _outcome: None,
) -> Statistics:
    """Run the live shop until its limits are reached or `stop` is requested; return its statistics.

    The history must be loaded; pass `year` to avoid reading its baskets again. `on_progress` is
    called once a second from another thread, `on_commit` after every transaction. Raises
    psycopg.OperationalError when the database is unavailable at the start; later it retries.
    """
    settings = settings or LiveSettings()
    with connect(conninfo) as connection:
        require_schema(connection)
        sample = loaded_sample(connection)
        if sample is None:
            raise ShopError("the history is not loaded: run ./headrace shop load first")
        world = load_world(connection)
        statistics = Statistics(run=_next_run(connection))
    batches = planned(year or Year.load(sample), world, settings, statistics.run)
    stop = stop or Stop()
    if settings.seconds is not None:
        stop.after(settings.seconds)
    with reporting(statistics, on_progress):
        _live(conninfo, settings, batches, statistics, stop, on_commit)
    return statistics


def planned(year: Year, world: World, settings: LiveSettings, run: int) -> Iterator[Batch]:
    """Return the script for these settings; the seed determines its start in the year."""
    begin = Random(settings.seed).randrange(len(year))  # noqa: S311 - a script, not a secret
    batches = script(
        year.replay(begin),
        world,
        settings.mix,
        seed=settings.seed,
        first_id=first_basket_id(run),
    )
    batches = merged(batches, settings.commit_size)
    return batches if settings.rows is None else capped(batches, settings.rows)


def load_world(connection: psycopg.Connection) -> World:
    """Read households, products, campaigns and coupons from the shop's tables."""
    households = connection.execute("SELECT household_id FROM retail.households ORDER BY household_id").fetchall()
    products = connection.execute(
        "SELECT product_id FROM retail.products ORDER BY product_id LIMIT %s",
        (PRODUCTS_IN_MOTION,),
    ).fetchall()
    campaigns = connection.execute(
        "SELECT campaign_id, array_agg(DISTINCT coupon_upc ORDER BY coupon_upc)"
        " FROM retail.coupons GROUP BY campaign_id"
    ).fetchall()
    members = connection.execute(
        "SELECT household_id, array_agg(campaign_id ORDER BY campaign_id) FROM retail.campaigns"
        " WHERE campaign_id IN (SELECT campaign_id FROM retail.coupons) GROUP BY household_id"
    ).fetchall()
    return World(
        household_ids=tuple(chain.from_iterable(households)),
        product_ids=tuple(chain.from_iterable(products)),
        campaigns={household: tuple(ids) for household, ids in members},
        coupons={campaign: tuple(upcs) for campaign, upcs in campaigns},
    )


def _next_run(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT nextval('shop.runs')").fetchone()
    assert row is not None
    return int(row[0])


def _live(
    conninfo: str,
    settings: LiveSettings,
    batches: Iterator[Batch],
    statistics: Statistics,
    stop: Stop,
    on_commit: Callable[[Batch, Outcome], None],
) -> None:
    def on_retry(error: psycopg.Error, wait_s: float) -> None:
        statistics.retries += 1
        reason = str(error).strip().splitlines() or [type(error).__name__]
        statistics.away = f"{reason[0]} (retry in {wait_s:.1f} s)"

    writer = (
        TransactionWriter(conninfo, stop, on_retry=on_retry, checked_out_at=shifted(now()))
        if settings.clock == "shifted"
        else TransactionWriter(conninfo, stop, on_retry=on_retry)
    )
    pacer = Pacer(stop)
    try:
        for batch in batches:
            if not pacer.wait_until(_due_s(settings, batch, statistics)):
                break
            outcome = writer.commit(batch)
            statistics.add(batch, outcome)
            statistics.forgiven_s = pacer.forgiven_s
            on_commit(batch, outcome)
    finally:
        writer.close()


def _due_s(settings: LiveSettings, batch: Batch, statistics: Statistics) -> float:
    if settings.speed is not None:
        return batch.at.total_seconds() / settings.speed
    return statistics.rows / settings.rows_per_s if settings.rows_per_s else 0.0
