"""Freshness: from a commit in the shop's database to the row visible in the warehouse, hop by hop, while it trades."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Final

from benchmarks import cpu
from benchmarks.arrivals import served_since
from benchmarks.context import Context, NotMeasured
from benchmarks.figure import Figure
from benchmarks.hops import Hop, delays, visible_delays
from benchmarks.stats import spread
from benchmarks.topics import records
from benchmarks.trading import last_basket_id, next_basket_id, trading
from benchmarks.watch.watcher import Seen, Watcher
from headrace.contracts import names
from headrace.planning.ddl import qualified
from include.stack.endpoints import endpoint

REPETITIONS = 3
RATES: Final = (100, 1_000)
LOOK_EVERY_S: Final = 0.025
WAY: Final = ("produced", "readable", "inserted", "visible")
DATASET: Final = "retail.transactions"
DRAIN_S: Final = 120.0
METHOD = (
    "The live shop trades at the given pace with the whole platform up: 20 s to warm up, then every change of "
    "retail.transactions committed within 60 s counts. Milliseconds from the commit's time in PostgreSQL until: the "
    "record's time in Kafka (produced); a read_committed consumer has it (readable); the warehouse's own insert time "
    "(inserted); and an independent reader, which asks the warehouse every 25 ms for what is new, has read the answer "
    "(visible, so up to one look too late; `looks_ms` is the time between looks). Both watchers are processes of their "
    "own on the same machine, and run during the measurement: their CPU-seconds are in the result."
)
FIGURES = tuple(
    Figure(
        f"freshness at {rate:,} rows/s, commit → {hop}, {percentile}", f"at_{rate}.{hop}_ms.{percentile}", "ms", goal
    )
    for rate in RATES
    for hop, percentile, goal in (
        ("produced", "p95", ""),
        ("readable", "p95", ""),
        ("inserted", "p95", "≤ 400" if rate == RATES[-1] else ""),
        ("visible", "p50", ""),
        ("visible", "p95", "≤ 400" if rate == RATES[-1] else ""),
        ("visible", "p99", ""),
    )
)

CPU = {f"freshness at {rate:,} rows/s, 60 s": f"at_{rate}.cpu_s.by_process" for rate in RATES}


def run(context: Context) -> dict[str, Any]:
    """Each pace once."""
    return {f"at_{rate}": at_pace(context, rate) for rate in RATES}


def at_pace(context: Context, rate: int) -> dict[str, Any]:
    """Milliseconds by hop, CPU-seconds by process, and the pace that was reached."""
    warm_s, window_s = context.amount(20.0, 3.0), context.amount(60.0, 5.0)
    context.settle()
    context.report(f"{rate:,} rows/s: {warm_s:.0f} s to warm up, {window_s:.0f} s measured")
    topic = names.topic(context.contract(DATASET))
    start = context.systems.kafka.end_offsets(topic)
    first = next_basket_id(context)
    with ExitStack() as stack:
        in_kafka = _watch_kafka(context, topic, start)
        stack.callback(in_kafka.kill)
        in_warehouse = _watch_warehouse(context, first)
        stack.callback(in_warehouse.kill)
        with trading(context, rate) as shop:
            roots = {"shop": shop.pid, "watch-kafka": in_kafka.pid, "watch-warehouse": in_warehouse.pid}
            context.wait(lambda: context.systems.kafka.end_offsets(topic) != start, 60, "the shop's first change")
            time.sleep(warm_s)
            before, began_us = context.cpu(**roots), time.time_ns() // 1000
            time.sleep(window_s)
            after, ended_us = context.cpu(**roots), time.time_ns() // 1000
        _drain(context, start, first)
        readable, visible = in_kafka.stop(), in_warehouse.stop()
    hops = delays(context.systems, context.contract(DATASET), start, (began_us, ended_us))
    hops |= visible_delays(hops["produced"], {"readable": readable, "visible": visible})
    return _result(hops, visible, cpu.spent(before, after), (ended_us - began_us) / 1e6)


def _result(hops: Mapping[str, Hop], visible: Seen, used: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    rows = len(hops["produced"].delays_ms)
    unseen = {name: rows - len(hop.delays_ms) for name, hop in hops.items()}
    if not rows or max(unseen.values()) > rows / 1000:
        raise NotMeasured(f"of {rows:,} changes, these were not seen: {unseen}")
    return {
        "rows": rows,
        "rows_per_s": round(rows / seconds, 1),
        **{f"{name}_ms": spread(list(hops[name].delays_ms.values())) for name in WAY},
        "looks_ms": spread(visible.looks_ms),
        "unseen": sum(unseen.values()),
        "cpu_s": dict(used),
        "cores": round(used["platform"] / seconds, 3),
    }


def _watch_kafka(context: Context, topic: str, start: Mapping[int, int]) -> Watcher:
    return Watcher("kafka", {"config": dict(context.systems.kafka.config), "topic": topic, "start": dict(start)})


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
            "every_s": LOOK_EVERY_S,
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
