"""The live shop as a process of its own, at a pace."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from benchmarks.context import Context, NotMeasured
from include.shop.script import first_basket_id
from include.stack.databases import role_dsn


@contextmanager
def trading(context: Context, rows_per_s: int) -> Iterator[subprocess.Popen[str]]:
    """The shop trades at that pace until the block is left; its words are kept for when it breaks down."""
    command = [sys.executable, "-m", "include.shop.cli", "live", "--rows-per-s", str(rows_per_s)]
    log = context.settings.logs / "bench-shop.log"
    environ = os.environ | {"HEADRACE_OLTP_DSN": role_dsn(context.settings, "shop")}
    with log.open("w") as out:
        shop = subprocess.Popen(command, stdout=out, stderr=out, text=True, env=environ, cwd=context.settings.root)
    try:
        yield shop
    finally:
        ended = shop.poll()
        shop.terminate()
        try:
            shop.wait(20)
        except subprocess.TimeoutExpired:
            shop.kill()
    if ended is not None:
        raise NotMeasured(f"the shop closed early ({ended}); see {log}")


def next_basket_id(context: Context) -> int:
    """A basket id below those of every later run of the shop, and above those of every earlier one."""
    return first_basket_id(_query(context, "SELECT nextval('shop.runs')"))


def last_basket_id(context: Context, first: int) -> int:
    """The newest basket, of those from that id on."""
    return _query(context, f"SELECT max(basket_id) FROM retail.transactions WHERE basket_id >= {first:d}")


def _query(context: Context, query: str) -> int:
    with psycopg.connect(role_dsn(context.settings, "shop")) as connection:
        row = connection.execute(query).fetchone()
    if row is None or row[0] is None:
        raise NotMeasured(f"the shop's database has no answer to: {query}")
    return int(row[0])
