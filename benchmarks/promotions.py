"""The year's promotions: 53 files landed, refined, and joined with the year's transactions to a mart, beside plain Spark."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

from benchmarks import cpu, spark
from benchmarks.context import Context, NotMeasured
from benchmarks.figure import Figure
from benchmarks.runs import Run, carried_out, quiet, set_off, switched_on
from benchmarks.stats import per_second, ratio
from include.shop.drop import drop_promotions
from include.shop.source import Sample

REPETITIONS = 1
READ: Final = ("transactions", "products", "promotions")
RAW: Final = "raw.retail_promotions"
MART: Final = "marts.promotion_effectiveness"
JOINS: Final = 3
LANDED_WITHIN_S = 3600.0
METHOD = (
    "All weeks of promotions are dropped in the landing bucket, as `./headrace shop drop` does (uncounted), and land_files "
    "lands them: seconds from the last drop until raw holds every row; what it landed before that is counted too. "
    "That sets a refinement of them all off, whose task counts; transactions and products were refined before. Then the "
    "mart promotion_effectiveness is built three times, of which the median counts: from nothing each time, with the checks "
    "and the load into ClickHouse as a task of its own, uncounted. Plain Spark runs the same SQL over the same rows as local "
    "Parquet files and writes Parquet, submitted with the same memory and settings. Rows of the join are those of both its "
    "sides."
)
FIGURES = (
    Figure("promotions landed, all weeks", "landing.rows_per_s", "rows/s"),
    Figure("promotions refined, all weeks", "refinement.rows_per_s", "rows/s"),
    Figure("the same, by CPU-second of the platform", "refinement.rows_per_cpu_s", "rows/CPU-s"),
    Figure("join of promotions and transactions to a mart, the task", "join.rows_per_s", "rows/s"),
    Figure("the same, seconds", "join.task_s", "s"),
    Figure("plain Spark, Parquet to Parquet", "plain_spark.rows_per_s", "rows/s"),
    Figure("speed, mart ÷ plain Spark", "speed_to_spark", "ratio"),
)


def run(context: Context) -> dict[str, Any]:
    """Land, refine, join."""
    context.settle()
    beside = [f"refine_retail_{dataset}" for dataset in ("transactions", "products")]
    with switched_on(context, *beside):
        for dag in beside:
            carried_out(context, dag, "refine")
            quiet(context, dag)
    landing = _land(context)
    done = _refined(context, landing["rows"])
    rows = {dataset: context.systems.lake.records(f"cleaned.retail_{dataset}") or 0 for dataset in READ}
    joined = rows["promotions"] + rows["transactions"]
    builds = [_built(context, joined) for _ in range(context.amount(JOINS, 1))]
    join = sorted(builds, key=lambda build: build["task_s"])[len(builds) // 2]
    plain = _by_spark(context, joined)
    return {
        "rows": rows,
        "landing": landing,
        "refinement": done.to_json("refine", rows["promotions"]),
        "join": join,
        "joins_s": {str(number): build["task_s"] for number, build in enumerate(builds)},
        "plain_spark": plain,
        "speed_to_spark": ratio(plain["seconds"], join["task_s"]),
    }


def _land(context: Context) -> dict[str, Any]:
    """Drop every week and wait until raw holds them.

    Raises:
        NotMeasured: they are there already.
    """
    s = context.settings
    keys = f"{s['HEADRACE_S3_ACCESS_KEY']}:{s['HEADRACE_S3_SECRET_KEY']}"
    url = f"http://{keys}@{s.bind}:{s.port('S3')}/landing"
    before, lake = context.cpu(), context.systems.lake
    if lake.records(RAW):
        raise NotMeasured("promotions have landed already; measure on a stack of its own, from nothing")
    context.report("dropping the promotions")
    files = drop_promotions(url, range(1, 54), Sample.of(s["HEADRACE_SAMPLE"]))
    total = sum(file.rows for file in files)
    context.wait(lambda: (lake.records(RAW) or 0) >= total, LANDED_WITHIN_S, "promotions in raw", every_s=1)
    after = context.cpu()
    seconds, spent = after.at - before.at, cpu.spent(before, after)
    return {
        "rows": total,
        "files": len(files),
        "seconds": round(seconds, 2),
        "rows_per_s": per_second(total, seconds),
        "rows_per_cpu_s": cpu.rows_per_cpu_s(total, spent)["platform"],
        "cpu_s": spent,
    }


def _refined(context: Context, rows: int) -> Run:
    """The run that the landing sets off: it refines every promotion, of which nothing is there."""
    context.report("refining the promotions")
    done = set_off(context, "refine_retail_promotions", "refine")
    if done.returned["changed"].get("cleaned") != {"insert": rows}:
        raise NotMeasured(f"the run did something else than insert {rows:,} rows: {done.returned['changed']}")
    return done


def _built(context: Context, joined: int) -> dict[str, Any]:
    """The mart, of which nothing was left."""
    table = context.systems.lake.need("cleaned.marts_promotion_effectiveness")
    if table.current_snapshot() is not None:
        table.delete()
    context.report("building the mart")
    with switched_on(context, "mart_promotion_effectiveness"):
        done = carried_out(context, "mart_promotion_effectiveness", "build")
    return done.to_json("build", joined)


def _by_spark(context: Context, joined: int) -> dict[str, Any]:
    import pyarrow.parquet as pq

    folder = context.settings.data / "bench" / "mart"
    shutil.rmtree(folder, ignore_errors=True)
    for dataset in READ:
        context.report(f"exporting {dataset}")
        place = folder / "from" / f"retail_{dataset}"
        place.mkdir(parents=True)
        batches = context.systems.lake.need(f"cleaned.retail_{dataset}").scan().to_arrow_batch_reader()
        with pq.ParquetWriter(place / "rows.parquet", batches.schema, coerce_timestamps="us") as writer:
            for batch in batches:
                writer.write_batch(batch)
    context.report("plain Spark")
    sql = Path(context.settings.root) / "include" / "sql" / "marts" / "promotion_effectiveness.sql"
    took = spark.submit(context, "mart", str(sql), str(folder / "from"), str(folder / "to"))
    shutil.rmtree(folder, ignore_errors=True)
    served = context.systems.warehouse.count(MART)
    if took.result != served:
        raise NotMeasured(f"plain Spark made {took.result:,} rows of the mart, but {served:,} are served")
    return {
        "rows": took.result,
        "seconds": round(took.seconds, 2),
        "rows_per_s": per_second(joined, took.seconds),
        "cpu_s": round(took.cpu_s, 2),
    }
