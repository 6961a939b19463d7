"""Compaction of many small files, beside writing the table anew by plain Spark, while the shop trades."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

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
MEGABYTE: Final = 1_000_000
PACE: Final = 100
METHOD = (
    "A copy of the changes of retail.transactions in files of a few thousand rows each, without partitions, in the same "
    "lake. One Spark session writes the table anew into two files (read and write, nothing else) and then compacts it as "
    "lake_maintenance does: data files and delete files, in commits that a writer may overtake. Megabytes are those of "
    "the many files; seconds are those inside of the session, which has done both on a small copy before. The live shop "
    "trades at 100 rows/s meanwhile, and its stream and its sink run."
)
FIGURES = (
    Figure("files before", "files_before", "files"),
    Figure("files after compaction", "files_after", "files"),
    Figure("compaction", "mb_per_s", "MB/s"),
    Figure("written anew by plain Spark", "anew_mb_per_s", "MB/s"),
    Figure("speed of compaction ÷ plain Spark", "speed_ratio", "ratio", "≥ 0.8"),
)


def run(context: Context) -> dict[str, Any]:
    """Make the many files, then both ways, in one job."""
    context.settle()
    with _many_files(context), trading(context, PACE):
        context.report("compacting, and writing anew")
        before = context.cpu()
        told = spark.submit(context, "compaction", TABLE).told
        spent = cpu.spent(before, context.cpu())
    megabytes = told["before"]["bytes"] / MEGABYTE
    return {
        "megabytes": round(megabytes, 1),
        "files_before": told["before"]["files"],
        "files_after": told["ours"]["files"],
        "seconds": {"ours": round(told["ours_s"], 2), "anew": round(told["anew_s"], 2)},
        "mb_per_s": round(megabytes / told["ours_s"], 2),
        "anew_mb_per_s": round(megabytes / told["anew_s"], 2),
        "speed_ratio": ratio(told["anew_s"], told["ours_s"]),
        "cpu_s": spent,
    }


@contextmanager
def _many_files(context: Context) -> Iterator[None]:
    """`TABLE`, and a small one beside it; gone afterwards."""
    context.report("making many small files")
    lake, every = context.systems.lake, context.amount(4_000, 400)
    rows = lake.need(names.raw_table(context.contract(DATASET))).scan(limit=context.amount(1_200_000, 4_000)).to_arrow()
    catalog = lake.catalog
    catalog.create_namespace_if_not_exists(NAMESPACE)
    try:
        for name, files in ((TABLE, -(-len(rows) // every)), (f"{TABLE}_small", 4)):
            _drop(context, name)
            table = catalog.create_table(name, rows.schema)
            with table.transaction() as transaction:
                for part in range(files):
                    transaction.append(rows.slice(part * every, every))
        yield
    finally:
        for name in (TABLE, f"{TABLE}_small", f"{TABLE}_anew"):
            _drop(context, name)


def _drop(context: Context, name: str) -> None:
    if context.systems.lake.table(name) is not None:
        context.systems.lake.catalog.drop_table(name, purge_requested=True)
