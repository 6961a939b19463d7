"""Step: kill the streaming driver while rows change."""

from __future__ import annotations

import os
import signal

from include.stack.demo import orders
from include.stack.demo.stage import Stage, Unmet
from include.stack.demo.step import Seen, Step
from include.stack.demo.typed import clickhouse, dag_page, psql
from include.stack.settings import Settings

FIRST, LAST = 101, 120
"""Orders that change while the driver is dead."""
POSITIONS = f"SELECT count(), uniqExact(_kafka_partition, _offset) FROM {orders.CHANGES} FINAL"
TOTALS = f"SELECT count(*), sum(quantity) FROM {orders.TABLE}"


def _commands(s: Settings) -> tuple[str, ...]:
    insert = f"INSERT INTO {orders.TABLE} SELECT n, 'R-' || n, n, 9.99 FROM generate_series({FIRST}, {LAST}) n"
    return (
        f"./headrace status, then kill -9 the pid of {orders.STREAM}",
        psql(s, insert),
        psql(s, TOTALS),
        clickhouse(s, TOTALS),
    )


def _act(stage: Stage) -> Seen:
    orders.wait_until_served(stage)
    changes = stage.systems.warehouse.count_final(orders.CHANGES)
    killed = stage.pid(orders.STREAM)
    if not killed:
        raise Unmet(f"a running process {orders.STREAM}", "none", "wait until ./headrace status shows it, and repeat")
    os.kill(killed, signal.SIGKILL)
    stage.report(f"killed {orders.STREAM}, pid {killed}")
    orders.put(stage, *((order, orders.reference(order), order) for order in range(FIRST, LAST + 1)))
    written = changes + LAST - FIRST + 1
    new = stage.wait(
        f"a new process {orders.STREAM}",
        lambda: stage.pid(orders.STREAM),
        lambda pid: pid not in (0, killed),
        within_s=900.0,
        next_step=f"see {dag_page(stage.s, 'stream_retail')}",
    )
    stage.report(f"Airflow launched {orders.STREAM} again, pid {new}")
    orders.wait_until_served(stage)
    # In a repeated step the orders have their values already, so equal rows do not show that the changes have passed.
    ((stored, distinct),) = stage.wait(
        f"{written} changes in ClickHouse (changes, distinct positions)",
        lambda: stage.served(POSITIONS),
        lambda rows: rows[0][0] >= written,
        within_s=900.0,
        next_step="see ./headrace status and ./headrace logs stream-retail",
    )
    if not stored == distinct == written:
        raise Unmet(f"{written} changes, each once", f"{stored} with {distinct} positions", "see ./headrace status")
    (source,), (served,) = stage.source(TOTALS), stage.served(TOTALS)
    if source != served:
        raise Unmet(f"(orders, units) {source} in ClickHouse", served, "see ./headrace status")
    return Seen(
        (
            ("pid of the driver", f"{killed} → {new}"),
            ("orders, units in PostgreSQL", f"{source[0]}, {source[1]}"),
            ("orders, units in ClickHouse", f"{served[0]}, {served[1]}"),
            ("changes in ClickHouse, distinct positions", f"{stored}, {distinct}"),
        ),
        (f"the task that launched it: {dag_page(stage.s, 'stream_retail')}", "./headrace logs stream-retail"),
    )


KILL = Step(
    "Kill a process",
    "The streaming driver is killed with kill -9, and rows change meanwhile. Airflow launches it again, and it continues at "
    "the position that ClickHouse holds: nothing is lost, nothing is there twice.",
    _commands,
    _act,
)
