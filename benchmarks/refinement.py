"""Refinement: one month of transactions from raw to cleaned and history, beside plain Spark and beside dlt; one day."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks import dlt_runs, spark
from benchmarks.context import Context, NotMeasured
from benchmarks.figure import Figure
from benchmarks.runs import Run, carried_out, switched_on
from benchmarks.stats import per_second, ratio
from headrace.contracts import names
from headrace.contracts.contract import Zone
from include.stack.airflow_api import AirflowApi

REPETITIONS = 3
DATASET: Final = "retail.transactions"
DAG: Final = "refine_retail_transactions"
TASK: Final = "refine"
MONTH: Final = ("2017-03-01", "2017-03-31", "2017-04-01")
"""The first day, the last, and the one after."""
QUICK: Final = ("2017-01-01", "2017-01-01", "2017-01-02")
DAY: Final = ("2017-01-02", "2017-01-03")
ZONES: Final[tuple[Zone, ...]] = ("cleaned", "history")
PARTS: Final = 4
METHOD = (
    "The month's rows are deleted from cleaned and history; then Airflow runs the refinement for its days, as a backfill "
    "does: seconds are those of the task, from its start in a worker to its end, with the checks and lineage; CPU-seconds "
    "are those of the whole platform meanwhile. It runs on the driver that stands by, warm by the refinement of all of raw "
    "before. Plain Spark is a job somebody would write by hand, submitted with the same memory, jars and "
    "archive: it reads the same changes from local Parquet files, hashes the household and writes rows and versions of "
    "the month as Parquet; no checks, no table format, no object store, nothing to merge with. dlt reads the same files "
    "by Arrow and merges the month's changes by key into a table of the same ClickHouse (delete-insert, newest wins): no "
    "history, no tokens, no checks; its imports are not counted. Audit is the time that the checks of the month's "
    "refinement took, scaled to a million rows. One day: the same for one day, of which the rows were deleted too; and "
    "once more on a driver of its own, as without one that stands by: JVM (with its class archive), session and imports are counted."
)
FIGURES = (
    Figure("refinement of a month, the task", "month.rows_per_s", "rows/s"),
    Figure("the same, by CPU-second of the platform", "month.rows_per_cpu_s", "rows/CPU-s"),
    Figure("plain Spark, Parquet to Parquet", "plain_spark.rows_per_s", "rows/s"),
    Figure("speed, refinement ÷ plain Spark", "speed_to_spark", "ratio"),
    Figure("CPU-seconds, refinement ÷ plain Spark", "cpu_to_spark", "ratio"),
    Figure("dlt, Parquet merged into ClickHouse", "dlt.rows_per_s", "rows/s"),
    Figure("speed, refinement ÷ dlt", "speed_to_dlt", "ratio"),
    Figure("CPU-seconds, refinement ÷ dlt", "cpu_to_dlt", "ratio"),
    Figure("checks, by million rows", "audit_s_per_million", "s"),
    Figure("refinement of one day, the task", "day.task_s", "s", "≤ 15"),
    Figure("refinement of one day, order → served", "day.run_s", "s"),
    Figure("refinement of one day on a driver of its own, the task", "day_alone.task_s", "s"),
    Figure("CPU-seconds of one day, driver of its own ÷ standing driver", "alone_to_standing", "ratio"),
)


def run(context: Context) -> dict[str, Any]:
    """The month by Headrace, by plain Spark and by dlt, then a day."""
    context.settle()
    start, last, until = QUICK if context.quick else MONTH
    with switched_on(context, DAG):
        _first(context)
        files = _raw_files(context)
        month, rows = refined(context, f"{start}/{last}", (start, until))
        day, day_rows = refined(context, DAY[0], DAY)
        with _alone(context):
            alone, _ = refined(context, DAY[0], DAY)
    ours = {**month.to_json(TASK, rows), "audit_s": month.returned["audit_s"]}
    plain, merged = _by_spark(context, files, (start, until)), _by_dlt(context, files, (start, until))
    if not rows == plain["rows"] == merged["rows"]:
        raise NotMeasured(f"the month has {rows:,} rows; plain Spark wrote {plain['rows']:,}, dlt {merged['rows']:,}")
    return {
        "month": ours,
        "day": day.to_json(TASK, day_rows),
        "day_alone": alone.to_json(TASK, day_rows),
        "alone_to_standing": ratio(alone.cpu["platform"], day.cpu["platform"]),
        "plain_spark": plain,
        "dlt": merged,
        "speed_to_spark": ratio(plain["seconds"], ours["task_s"]),
        "cpu_to_spark": ratio(ours["cpu_s"]["platform"], plain["cpu_s"]),
        "speed_to_dlt": ratio(merged["seconds"], ours["task_s"]),
        "cpu_to_dlt": ratio(ours["cpu_s"]["platform"], merged["cpu_total_s"]),
        "audit_s_per_million": round(ours["audit_s"] / rows * 1_000_000, 2),
    }


def refined(context: Context, days: str, within: tuple[str, str]) -> tuple[Run, int]:
    """The run that refines these days, of which nothing was left, and the rows that it brought to cleaned."""
    contract, lake = context.contract(DATASET), context.systems.lake
    start, until = (f"{day}T00:00:00+00:00" for day in within)
    during = f"checked_out_at >= '{start}' AND checked_out_at < '{until}'"
    for zone in ZONES:
        lake.need(names.lake_table(contract, zone)).delete(during)
    context.report(f"refining {days}")
    done = carried_out(context, DAG, TASK, days=[days])
    if done.returned["changed"].get("cleaned", {}).keys() != {"insert"}:
        raise NotMeasured(f"the run of {days} did something else than insert: {done.returned['changed']}")
    return done, int(done.returned["changed"]["cleaned"]["insert"])


@contextmanager
def _alone(context: Context) -> Iterator[None]:
    """No driver stands by inside the block; once unmeasured, so that there is a class archive."""
    airflow = AirflowApi(context.settings)
    before = airflow.set_connection_extra("spark_default", {})
    airflow.set_connection_extra("spark_default", {k: v for k, v in before.items() if k != "standby"})
    try:
        carried_out(context, DAG, TASK, days=[DAY[0]])
        yield
    finally:
        airflow.set_connection_extra("spark_default", before)


def _first(context: Context) -> None:
    """All of raw, if it was never refined: then nothing that a run sets off is about more than what has come since."""
    if context.systems.lake.records(names.lake_table(context.contract(DATASET), "cleaned")):
        return
    context.report("refining all of raw")
    carried_out(context, DAG, TASK)


def _raw_files(context: Context) -> Path:
    """All of raw as Parquet files for those beside us; made once."""
    import pyarrow.parquet as pq

    folder = context.settings.data / "bench" / "raw"
    if not folder.exists():
        context.report("exporting raw")
        rows = context.systems.lake.need(names.raw_table(context.contract(DATASET))).scan().to_arrow()
        making = folder.with_name("raw.new")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        step = -(-len(rows) // PARTS)
        for part in range(PARTS):
            pq.write_table(rows.slice(part * step, step), making / f"{part}.parquet", coerce_timestamps="us")
        making.rename(folder)
    return folder


def _by_spark(context: Context, files: Path, within: tuple[str, str]) -> dict[str, Any]:
    context.report("plain Spark")
    out = files.with_name("refined-by-spark")
    shutil.rmtree(out, ignore_errors=True)
    took = spark.submit(context, "refine", str(files), *within, str(out))
    shutil.rmtree(out, ignore_errors=True)
    rows = int(took.result)
    return {
        "rows": rows,
        "seconds": round(took.seconds, 2),
        "rows_per_s": per_second(rows, took.seconds),
        "cpu_s": round(took.cpu_s, 2),
        "rows_per_cpu_s": per_second(rows, took.cpu_s),
    }


def _by_dlt(context: Context, files: Path, within: tuple[str, str]) -> dict[str, Any]:
    context.report("dlt")
    start, until = (datetime.fromisoformat(day).replace(tzinfo=UTC).isoformat() for day in within)
    parameters = {
        "files": str(files), "column": "checked_out_at", "start": start, "until": until,
        "key": [*context.contract(DATASET).key], "credentials": dlt_runs.credentials(context),
    }  # fmt: skip
    with dlt_runs.empty_database(context):
        table = f"{dlt_runs.DATABASE}.peer___transactions"
        return dlt_runs.loaded(
            context, "merge", parameters, ("clickhouse",), lambda: context.systems.warehouse.count(table)
        )
