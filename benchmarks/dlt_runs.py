"""dlt in a process of its own, loading into a database of its own in the same ClickHouse."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from benchmarks import cpu
from benchmarks.context import Context, NotMeasured
from benchmarks.stats import per_second
from headrace.planning.ddl import identifier
from include.stack.endpoints import endpoint

DATABASE: Final = "bench_dlt_peer"
WITHIN_S = 900.0


@contextmanager
def empty_database(context: Context) -> Iterator[None]:
    """It is there inside the block, and empty at its begin."""
    warehouse = context.systems.warehouse
    warehouse.execute(f"DROP DATABASE IF EXISTS {identifier(DATABASE)}")
    warehouse.execute(f"CREATE DATABASE {identifier(DATABASE)}")
    try:
        yield
    finally:
        warehouse.execute(f"DROP DATABASE IF EXISTS {identifier(DATABASE)}")


def credentials(context: Context) -> dict[str, Any]:
    """What dlt wants to know of ClickHouse."""
    place = endpoint(context.settings, "clickhouse_default")
    return {
        "host": place.host,
        "port": context.settings.port("CLICKHOUSE_NATIVE"),
        "http_port": place.port,
        "username": place.login,
        "password": place.password,
        "database": DATABASE,
        "secure": 0,
    }


def loaded(
    context: Context, module: str, parameters: Mapping[str, Any], servers: tuple[str, ...], counted: Callable[[], int]
) -> dict[str, Any]:
    """What one load by `benchmarks.peer.<module>` took; its CPU-seconds are its own and those of the servers it asks.

    Raises:
        NotMeasured: it failed.
    """
    before = context.cpu()
    took = _in_process(module, parameters)
    spent = cpu.spent(before, context.cpu())
    rows = counted()
    by_process = {"dlt": took["cpu_s"], **{name: spent["by_process"][name] for name in servers}}
    return {
        "rows": rows,
        "seconds": round(took["seconds"], 2),
        "rows_per_s": per_second(rows, took["seconds"]),
        "cpu_s": {name: round(value, 2) for name, value in by_process.items()},
        "cpu_total_s": round(sum(by_process.values()), 2),
        "rows_per_cpu_s": per_second(rows, sum(by_process.values())),
        "cores_of_others": spent["cores_of_others"],
    }


def _in_process(module: str, parameters: Mapping[str, Any]) -> dict[str, float]:
    command = [sys.executable, "-m", f"benchmarks.peer.{module}"]
    done = subprocess.run(
        command, input=json.dumps(parameters), capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    if done.returncode:
        raise NotMeasured(f"dlt failed: {done.stderr.strip()[-600:]}")
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
