"""Compaction of many small files, beside writing the table anew by plain Spark, while the shop trades."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa
from pyiceberg.transforms import DayTransform

from benchmarks import cpu, spark
from benchmarks.context import Context
from benchmarks.figure import Figure
from benchmarks.stats import ratio
from benchmarks.trading import trading
from headrace.contracts import names

REPETITIONS = 3
DATASET: Final = "retail.transactions"
NAMESPACE: Final = "bench"
TABLE: Final = "bench.many_files"
BY: Final = "_committed_at"
DAY: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
AS_THE_SINK: Final = {"commit.manifest-merge.enabled": "true"}
"""Its appends merge manifests when there are a hundred, as Iceberg's Java library does and pyiceberg by default does not."""
MEGABYTE: Final = 1_000_000
PACE: Final = 100
METHOD = (
    "A copy of the changes of retail.transactions in files of a few thousand rows each, partitioned by day as raw is, in the "
    "same lake: two days, as a nightly lake_maintenance finds them. One Spark session writes the table anew into two files "
    "(read and write, nothing else) and then compacts it as lake_maintenance does: manifests, data files and delete files, "
    "in commits that a writer may overtake. Megabytes are those of the many files; seconds and CPU-seconds are those of the "
    "session, which has done both on a small copy before. The live shop trades at 100 rows/s meanwhile, and its stream and "
    "its sink run. A partition that fits in one file is written by one task: with a single one, one core would stand "
    "against two."
)
FIGURES = (
    Figure("files before", "files_before", "files"),
    Figure("files after compaction", "files_after", "files"),
    Figure("compaction", "mb_per_s", "MB/s"),
    Figure("written anew by plain Spark", "anew_mb_per_s", "MB/s"),
    Figure("speed of compaction ÷ plain Spark", "speed_ratio", "ratio", "≥ 0.8"),
    Figure("CPU-seconds, compaction ÷ plain Spark", "cpu_ratio", "ratio"),
)


def run(context: Context) -> dict[str, Any]:
    """Make the many files, then both ways, in one job."""
    context.settle()
    with _many_files(context), trading(context, PACE):
        context.report("compacting, and writing anew")
        before = context.cpu()
        result = spark.submit(context, "compaction", TABLE).result
        spent = cpu.spent(before, context.cpu())
    ours, anew, megabytes = result["ours"], result["anew"], result["before"]["bytes"] / MEGABYTE
    return {
        "megabytes": round(megabytes, 1),
        "files_before": result["before"]["files"],
        "files_after": ours["files"],
        "files_anew": anew["files"],
        "seconds": {"ours": ours["seconds"], "anew": anew["seconds"]},
        "session_cpu_s": {"ours": ours["cpu_s"], "anew": anew["cpu_s"]},
        "mb_per_s": round(megabytes / ours["seconds"], 2),
        "anew_mb_per_s": round(megabytes / anew["seconds"], 2),
        "speed_ratio": ratio(anew["seconds"], ours["seconds"]),
        "cpu_ratio": ratio(ours["cpu_s"], anew["cpu_s"]),
        "cpu_s": spent,
    }


@contextmanager
def _many_files(context: Context) -> Iterator[None]:
    """`TABLE`, and a small one beside it; gone afterwards."""
    context.report("making many small files")
    lake, every = context.systems.lake, context.amount(4_000, 400)
    source = lake.need(names.raw_table(context.contract(DATASET)))
    rows = _over_two_days(source.scan(limit=context.amount(1_200_000, 4_000)).to_arrow())
    catalog = lake.catalog
    catalog.create_namespace_if_not_exists(NAMESPACE)
    try:
        for name, files in ((TABLE, -(-len(rows) // every)), (f"{TABLE}_small", 4)):
            _drop(context, name)
            table = catalog.create_table(name, rows.schema, properties=AS_THE_SINK)
            with table.update_spec() as spec:
                spec.add_field(BY, DayTransform(), "day")
            with table.transaction() as transaction:
                for part in range(files):
                    transaction.append(rows.slice(part * every, every))
        yield
    finally:
        for name in (TABLE, f"{TABLE}_small", f"{TABLE}_anew"):
            _drop(context, name)


def _over_two_days(rows: pa.Table) -> pa.Table:
    """The first half committed on one day, the second on the next."""
    half = len(rows) // 2
    days = [pa.repeat(pa.scalar(DAY + timedelta(days=day), rows.schema.field(BY).type), half) for day in (0, 1)]
    at = pa.chunked_array(days)
    return rows.slice(0, 2 * half).set_column(rows.schema.get_field_index(BY), rows.schema.field(BY), at)


def _drop(context: Context, name: str) -> None:
    if context.systems.lake.table(name) is not None:
        context.systems.lake.catalog.drop_table(name, purge_requested=True)
