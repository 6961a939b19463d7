"""Beside a peer: the same initial load of every table by dlt into the same ClickHouse, in the same run."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Final

from benchmarks import cpu
from benchmarks.context import Context, NotMeasured
from benchmarks.figure import Figure
from benchmarks.initial_load import CONNECTION, load_again, source_rows
from benchmarks.stats import per_second, ratio
from headrace.planning.ddl import identifier
from include.stack.databases import role_dsn
from include.stack.endpoints import endpoint

REPETITIONS = 3
BACKENDS: Final = ("pyarrow", "connectorx")
DATABASE: Final = "bench_dlt_peer"
CHUNK_ROWS: Final = 100_000
SERVERS: Final = ("postgres", "clickhouse")
WITHIN_S = 900.0
METHOD = (
    "dlt's sql_database source with its pyarrow and its connectorx backend (chunks of 100,000 rows, parquet load "
    "files, write disposition replace, otherwise its defaults: tables extracted one after the other, twenty load "
    "workers), reading as the same role and writing the same tables to a database of its own in the same ClickHouse; "
    "its imports are not counted. Headrace's load is the one of `snapshot`, in turn with dlt's. They do not do the "
    "same: dlt leaves a copy; Headrace leaves the changes in Kafka, in the raw lake with their position, and in the "
    "warehouse as history, current state and metrics, and goes on from there. dlt's CPU-seconds are its own and those "
    "of PostgreSQL and ClickHouse; Headrace's are those of the whole platform."
)
FIGURES = (
    Figure("initial load by dlt, pyarrow backend", "dlt_pyarrow.rows_per_s", "rows/s"),
    Figure("initial load by dlt, connectorx backend", "dlt_connectorx.rows_per_s", "rows/s"),
    Figure("initial load by Headrace, to the warehouse", "headrace.rows_per_s.warehouse", "rows/s"),
    Figure("speed of the initial load, Headrace ÷ the faster dlt", "speed_ratio", "ratio"),
    Figure("CPU-seconds of the initial load, Headrace ÷ the thriftier dlt", "cpu_ratio", "ratio"),
)


def run(context: Context) -> dict[str, Any]:
    """Headrace's load, then dlt's with each backend."""
    context.settle()
    ours = load_again(context)
    theirs = {f"dlt_{backend}": load_by_dlt(context, backend) for backend in BACKENDS}
    return {
        "headrace": ours.to_json(),
        **theirs,
        "speed_ratio": ratio(
            ours.rows / ours.seconds["warehouse"], max(result["rows_per_s"] for result in theirs.values())
        ),
        "cpu_ratio": ratio(ours.cpu["platform"], min(result["cpu_total_s"] for result in theirs.values())),
    }


def load_by_dlt(context: Context, backend: str) -> dict[str, Any]:
    """One load into an empty database; what it left is counted and removed."""
    context.settle()
    context.report(f"dlt, {backend} backend")
    warehouse = context.systems.warehouse
    warehouse.execute(f"DROP DATABASE IF EXISTS {identifier(DATABASE)}")
    warehouse.execute(f"CREATE DATABASE {identifier(DATABASE)}")
    try:
        before = context.cpu()
        took = _in_process(_told(context, backend))
        spent = cpu.spent(before, context.cpu())
        rows = _check(context)
    finally:
        warehouse.execute(f"DROP DATABASE IF EXISTS {identifier(DATABASE)}")
    by_process = {"dlt": took["cpu_s"], **{name: spent["by_process"][name] for name in SERVERS}}
    return {
        "rows": rows,
        "seconds": round(took["seconds"], 2),
        "rows_per_s": per_second(rows, took["seconds"]),
        "cpu_s": {name: round(value, 2) for name, value in by_process.items()},
        "cpu_total_s": round(sum(by_process.values()), 2),
        "rows_per_cpu_s": per_second(rows, sum(by_process.values())),
        "cores_of_others": spent["cores_of_others"],
    }


def _told(context: Context, backend: str) -> dict[str, Any]:
    s, place = context.settings, endpoint(context.settings, "clickhouse_default")
    return {
        "backend": backend,
        "dsn": role_dsn(s, "cdc", CONNECTION),
        "schema": "retail",
        "tables": [_table(contract.source.table) for contract in context.contracts],
        "chunk_size": CHUNK_ROWS,
        "credentials": {
            "host": place.host,
            "port": s.port("CLICKHOUSE_NATIVE"),
            "http_port": place.port,
            "username": place.login,
            "password": place.password,
            "database": DATABASE,
            "secure": 0,
        },
    }


def _in_process(told: dict[str, Any]) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.peer.load"]
    done = subprocess.run(
        command, input=json.dumps(told), capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    if done.returncode:
        raise NotMeasured(f"dlt failed: {done.stderr.strip()[-600:]}")
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _check(context: Context) -> int:
    """Rows that dlt left; every table must hold what its source does."""
    wanted = source_rows(context, context.systems)
    for contract in context.contracts:
        table = f"{DATABASE}.peer___{_table(contract.source.table)}"
        found = context.systems.warehouse.count(table)
        if found != wanted[contract.id]:
            raise NotMeasured(f"dlt left {found:,} rows in {table}, but the source has {wanted[contract.id]:,}")
    return sum(wanted.values())


def _table(name: str | None) -> str:
    return (name or "").rpartition(".")[2]
