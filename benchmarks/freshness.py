"""Freshness: from a commit in the shop's database to the row visible in the warehouse, hop by hop, while it trades."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Final, NamedTuple

from benchmarks import cpu
from benchmarks.arrivals import served_since
from benchmarks.context import Context, NotMeasured
from benchmarks.figure import Figure
from benchmarks.hops import Hop, delays, visible_delays
from benchmarks.stats import spread
from benchmarks.topics import records
from benchmarks.trading import last_basket_id, next_basket_id, trading
from benchmarks.up_time import run_command
from benchmarks.watch.watcher import Seen, Watcher
from headrace.contracts import names
from headrace.planning.ddl import qualified
from include.stack.endpoints import endpoint

REPETITIONS = 3
POLL_S: Final = 0.025
BURST_S: Final = 0.5
PAUSE_S: Final = 9.5
WAY: Final = ("produced", "inserted", "visible")
DATASET: Final = "retail.transactions"
DRAIN_S: Final = 120.0


class Phase(NamedTuple):
    """A pace of the shop, for how long it warms up, and the goals."""

    name: str
    rate: int
    warm_s: float
    goal: str


PHASES: Final = (
    Phase("first_minute", 1_000, 0.0, "≤ 500"),
    Phase("at_1000", 1_000, 120.0, "≤ 400"),
    Phase("at_100", 100, 20.0, "≤ 250"),
)
METHOD = (
    "Everything is on: refinement, marts, checks, maintenance. The platform is stopped and started, and the live shop trades "
    "at 1,000 rows/s as soon as `up` has ended (first minute), then after two minutes of trading (warm), then at 100 rows/s. "
    "Every change of retail.transactions committed within 60 s counts. Milliseconds from the commit's time in PostgreSQL "
    "until: the record's time in Kafka (produced) and the warehouse's own insert time (inserted), both read from the systems "
    "after the measurement; and an independent reader has read the answer (visible). It asks the warehouse every 25 ms for "
    "half a second of every ten, so a twentieth of the changes are its sample; its CPU-seconds are in the result "
    "(`watch-warehouse`)."
)
FIGURES = tuple(
    Figure(
        f"freshness {title}, commit → {hop}, {percentile}",
        f"{phase.name}.{hop}_ms.{percentile}", "ms", phase.goal if (hop, percentile) == ("visible", "p95") else "",
    )
    for phase, title in zip(PHASES, ("in the first minute, 1,000 rows/s", "at 1,000 rows/s", "at 100 rows/s"), strict=True)
    for hop, percentile in (
        ("produced", "p95"), ("inserted", "p50"), ("inserted", "p95"), ("visible", "p50"), ("visible", "p95"), ("visible", "p99"),
    )
)  # fmt: skip
CPU = {
    f"freshness {title}, 60 s": f"{phase.name}.cpu_s.by_process"
    for phase, title in zip(PHASES, ("in the first minute", "at 1,000 rows/s", "at 100 rows/s"), strict=True)
}


def run(context: Context) -> dict[str, Any]:
    """Stop, start, and each phase once."""
    if not context.quick:
        run_command(context, "up", "--wait")  # everything on, and filled
        run_command(context, "down")
        run_command(context, "up")
    return {phase.name: measured(context, phase) for phase in PHASES}


def measured(context: Context, phase: Phase) -> dict[str, Any]:
    """Milliseconds by hop, CPU-seconds by process, and the pace that was reached."""
    warm_s, window_s = context.amount(phase.warm_s, 0.0), context.amount(60.0, 12.0)
    context.report(f"{phase.rate:,} rows/s: {warm_s:.0f} s to warm up, {window_s:.0f} s measured")
    topic = names.topic(context.contract(DATASET))
    start = context.systems.kafka.end_offsets(topic)
    first = next_basket_id(context)
    with ExitStack() as stack:
        in_warehouse = _watch_warehouse(context, first)
        stack.callback(in_warehouse.kill)
        with trading(context, phase.rate) as shop:
            roots = {"shop": shop.pid, "watch-warehouse": in_warehouse.pid}
            context.wait(lambda: context.systems.kafka.end_offsets(topic) != start, 60, "the shop's first change")
            time.sleep(warm_s)
            before, began_us = context.cpu(**roots), time.time_ns() // 1000
            time.sleep(window_s)
            after, ended_us = context.cpu(**roots), time.time_ns() // 1000
        _drain(context, start, first)
        visible = in_warehouse.stop()
    hops = delays(context.systems, context.contract(DATASET), start, (began_us, ended_us))
    hops["visible"] = visible_delays(hops["produced"], visible)
    result = _result(hops, visible, cpu.spent(before, after), (ended_us - began_us) / 1e6)
    context.report(f"{phase.name}: visible after {result['visible_ms']['p95']:.0f} ms (p95), {result['cores']} cores")
    return result


def _result(hops: Mapping[str, Hop], visible: Seen, used: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    rows = len(hops["produced"].delays_ms)
    unseen, sample = rows - len(hops["inserted"].delays_ms), len(hops["visible"].delays_ms)
    if not rows or unseen > rows / 1000 or not sample:
        raise NotMeasured(f"of {rows:,} changes, {unseen:,} are not in the warehouse; the reader saw {sample:,}")
    return {
        "rows": rows,
        "rows_per_s": round(rows / seconds, 1),
        **{f"{name}_ms": spread(list(hops[name].delays_ms.values())) for name in WAY},
        "looks_ms": spread(visible.polls_ms),
        "seen": sample,
        "unseen": unseen,
        "cpu_s": dict(used),
        "cores": round(used["platform"] / seconds, 3),
    }


def _watch_warehouse(context: Context, first: int) -> Watcher:
    place = endpoint(context.settings, "clickhouse_default")
    return Watcher(
        "warehouse",
        {
            "host": place.host,
            "port": place.port,
            "user": place.login,
            "password": place.password,
            "table": qualified(names.changes_table(context.contract(DATASET))),
            "where": f"basket_id >= {first}",
            "every_s": POLL_S,
            "burst_s": BURST_S,
            "pause_s": PAUSE_S,
        },
    )


def _drain(context: Context, start: Mapping[int, int], first: int) -> None:
    """Wait until what the shop committed last is in Kafka and in the warehouse."""
    contract, warehouse = context.contract(DATASET), context.systems.warehouse
    # Baskets are booked in the order of their ids, and commits come in their order: what is behind the last basket
    # is in its own transaction.
    last = last_basket_id(context, first)
    query = f"SELECT count() FROM {qualified(names.changes_table(contract))} WHERE basket_id = {last}"
    context.wait(lambda: warehouse.rows(query)[0][0] > 0, DRAIN_S, f"basket {last} in the warehouse")
    time.sleep(2)
    sent = sum(m.value() is not None for m in records(context.systems.kafka, names.topic(contract), start))
    context.wait(
        lambda: served_since(warehouse, contract, start) >= sent,
        DRAIN_S,
        f"the shop's {sent:,} changes in the warehouse",
    )
