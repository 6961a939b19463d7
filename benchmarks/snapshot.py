"""Initial load: a fresh snapshot of every table, from the source to Kafka, the raw lake and the warehouse."""

from __future__ import annotations

from typing import Any

from benchmarks.context import Context
from benchmarks.figure import Figure
from benchmarks.initial_load import load_again

REPETITIONS = 3
METHOD = (
    "The source connector forgets its position and reads every table again, as a new one does. Seconds count from "
    "the moment it is started until the last row is in Kafka (the record's time), committed to the raw lake (the "
    "snapshot's time) and counted by a reader of the warehouse (asked twice a second). All hops run at once."
)
FIGURES = (
    Figure("initial load, source → Kafka", "rows_per_s.kafka", "rows/s"),
    Figure("initial load, source → raw lake", "rows_per_s.raw", "rows/s"),
    Figure("initial load, source → warehouse", "rows_per_s.warehouse", "rows/s"),
    Figure("initial load, all hops, by CPU-second of the platform", "rows_per_cpu_s.platform", "rows/CPU-s"),
)

CPU = {"initial load of every table, until served and landed": "cpu_s.by_process"}


def run(context: Context) -> dict[str, Any]:
    """One load of every dataset."""
    context.settle()
    return load_again(context).to_json()
