"""Step: a changed row passes to ClickHouse."""

from __future__ import annotations

import time

from include.stack.demo import orders
from include.stack.demo.stage import Stage
from include.stack.demo.step import Seen, Step
from include.stack.demo.typed import clickhouse, play_page, psql
from include.stack.settings import Settings

UPDATE = f"UPDATE {orders.TABLE} SET quantity = quantity + 1 WHERE order_id = 1"
SERVED = f"SELECT quantity FROM {orders.TABLE} WHERE order_id = 1"
VERSIONS = f"SELECT quantity, _committed_at, _op FROM {orders.CHANGES} FINAL WHERE order_id = 1 ORDER BY _offset"


def _commands(s: Settings) -> tuple[str, ...]:
    return psql(s, UPDATE), clickhouse(s, SERVED), clickhouse(s, VERSIONS)


def _act(stage: Stage) -> Seen:
    ((before,),) = stage.served(SERVED)
    stage.write(UPDATE)
    committed = time.monotonic()
    stage.wait(
        f"quantity {before + 1} of order 1 in ClickHouse",
        lambda: stage.served(SERVED),
        lambda rows: rows == [(before + 1,)],
        poll_s=0.01,
        next_step="see ./headrace status and ./headrace logs stream-retail",
    )
    milliseconds = (time.monotonic() - committed) * 1000
    versions = stage.wait(
        "both versions of order 1 among its changes",
        lambda: stage.served(VERSIONS),
        lambda rows: [row[0] for row in rows[-2:]] == [before, before + 1],
        next_step=f"read {orders.CHANGES} at {play_page(stage.s)}",
    )
    return Seen(
        (
            ("quantity of order 1", f"{before} → {before + 1}"),
            ("from commit until a reader of ClickHouse sees it", f"{milliseconds:,.0f} ms"),
            *((f"version, operation {op}, {at:%H:%M:%S.%f}", f"quantity {n}") for n, at, op in versions[-2:]),
        ),
        (f"SELECT * FROM {orders.CHANGES} FINAL WHERE order_id = 1, at {play_page(stage.s)}",),
    )


CHANGE = Step(
    "Change a row, watch it pass",
    "An UPDATE in PostgreSQL passes through Kafka and the stream to ClickHouse. The table of changes keeps both versions.",
    _commands,
    _act,
)
