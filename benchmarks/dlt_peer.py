"""Beside a peer: the same initial load of every table by dlt into the same ClickHouse, in the same run."""

from __future__ import annotations

from typing import Any, Final

from benchmarks.context import Context, NotMeasured
from benchmarks.dlt_runs import DATABASE, credentials, empty_database, loaded
from benchmarks.figure import Figure
from benchmarks.initial_load import CONNECTION, load_again, source_rows
from benchmarks.stats import ratio
from include.stack.databases import role_dsn

REPETITIONS = 3
BACKENDS: Final = ("pyarrow", "connectorx")
CHUNK_ROWS: Final = 100_000
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
    with empty_database(context):
        return loaded(
            context, "load", _parameters(context, backend), ("postgres", "clickhouse"), lambda: _check(context)
        )


def _parameters(context: Context, backend: str) -> dict[str, Any]:
    return {
        "backend": backend,
        "dsn": role_dsn(context.settings, "cdc", CONNECTION),
        "schema": "retail",
        "tables": [_table(contract.source.table) for contract in context.contracts],
        "chunk_size": CHUNK_ROWS,
        "credentials": credentials(context),
    }


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
