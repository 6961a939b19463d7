"""Catch-up: one transaction of 500,000 new basket lines, until all are in Kafka, served, and in the raw lake."""

from __future__ import annotations

import time
from typing import Any, Final

import psycopg

from benchmarks import cpu
from benchmarks.arrivals import landed_at
from benchmarks.context import Context, Seldom
from benchmarks.figure import Figure
from benchmarks.stats import per_second
from benchmarks.topics import last_produced
from headrace.contracts import names
from headrace.planning.ddl import qualified
from include.shop.script import first_basket_id
from include.stack.databases import role_dsn

REPETITIONS = 3
METHOD = (
    "Lines of the history are copied under new basket ids and the last hour's check-out times, in one INSERT. Seconds "
    "count from the commit's answer until a reader counts all of them in the change history and in the current state "
    "(asked five times a second), the last record's time in Kafka, and the commit that completes the raw table."
)
FIGURES = (
    Figure(
        "catch-up of one transaction of 500,000 rows, commit → served", "rows_per_s.warehouse", "rows/s", "≥ 32,000"
    ),
    Figure("the same, commit → Kafka", "rows_per_s.kafka", "rows/s"),
    Figure("the same, commit → raw lake", "rows_per_s.raw", "rows/s"),
    Figure("the same, by CPU-second of the platform", "rows_per_cpu_s.platform", "rows/CPU-s"),
)
CPU = {"catch-up of 500,000 rows, until served and landed": "cpu_s.by_process"}
WITHIN_S = 600.0
DATASET: Final = "retail.transactions"

BOOK = """
INSERT INTO retail.transactions
    (basket_id, product_id, household_id, store_id, quantity, sales_value, retail_discount,
     coupon_discount, coupon_match_discount, week, checked_out_at)
SELECT %(first)s + lap * 10000000 + dense_rank() OVER (PARTITION BY lap ORDER BY basket_id), product_id, household_id,
       store_id, quantity, sales_value, retail_discount, coupon_discount, coupon_match_discount, week,
       now() - interval '1 hour' * random()
  FROM (SELECT * FROM retail.transactions ORDER BY basket_id, product_id LIMIT %(rows)s) AS history,
       generate_series(0, %(laps)s) AS lap
 LIMIT %(rows)s
"""


def run(context: Context) -> dict[str, Any]:
    """One transaction, followed to its last row."""
    rows = context.amount(500_000, 2_000)
    systems, contract = context.systems, context.contract(DATASET)
    context.settle()
    raw, topic = names.raw_table(contract), names.topic(contract)
    landed_before = systems.lake.records(raw) or 0
    start = systems.kafka.end_offsets(topic)
    first, used, committed_at, insert_s = _book(context, rows)

    served_at = _wait_served(context, first, rows)
    used_until_served = context.cpu()
    context.wait(
        lambda: (systems.lake.records(raw) or 0) >= landed_before + rows, WITHIN_S, "rows in the raw lake", every_s=0.5
    )
    used_until_landed = context.cpu()
    landed_last = landed_at(systems.lake, raw, landed_before + rows) or time.time()
    seconds = {
        "kafka": last_produced(systems.kafka, {topic: start}) - committed_at,
        "warehouse": served_at - committed_at,
        "raw": landed_last - committed_at,
    }
    spent = cpu.spent(used, max(used_until_served, used_until_landed, key=lambda reading: reading.at))
    return {
        "rows": rows,
        "insert_s": round(insert_s, 2),
        "seconds": {hop: round(value, 2) for hop, value in seconds.items()},
        "rows_per_s": {hop: per_second(rows, value) for hop, value in seconds.items()},
        "rows_per_cpu_s": cpu.rows_per_cpu_s(rows, spent),
        "cpu_s": spent,
        "cpu_s_until_served": cpu.spent(used, used_until_served),
    }


def _book(context: Context, rows: int) -> tuple[int, cpu.Reading, float, float]:
    """First basket id, what was used until the commit, the moment of its answer, seconds the INSERT took."""
    with psycopg.connect(role_dsn(context.settings, "shop"), application_name="headrace-bench") as connection:
        # A run number of the shop's own: no later run of the shop uses these ids.
        run, there = connection.execute(
            "SELECT nextval('shop.runs'), (SELECT count(*) FROM retail.transactions)"
        ).fetchone() or (1, rows)
        first = first_basket_id(run)
        context.report(f"inserting {rows:,} rows in one transaction")
        began = time.monotonic()
        connection.execute(BOOK, {"first": first, "rows": rows, "laps": rows // max(there, 1)})
        used = context.cpu()
        connection.commit()
        return first, used, time.time(), time.monotonic() - began


def _wait_served(context: Context, first: int, rows: int) -> float:
    contract = context.contract(DATASET)
    tables = names.changes_table(contract), names.state_table(contract)
    progress = Seldom(context.report)

    def done() -> bool:
        counts = [
            int(context.systems.warehouse.rows(f"SELECT count() FROM {qualified(t)} WHERE basket_id >= {first}")[0][0])
            for t in tables
        ]
        progress(f"served: {min(counts):,} of {rows:,} rows")
        return min(counts) >= rows

    return context.wait(done, WITHIN_S, "rows in the warehouse", every_s=0.2)
