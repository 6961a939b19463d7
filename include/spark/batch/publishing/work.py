"""What is to be written in one go: to a branch of each table, audited there, published when it is found good."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import reduce
from typing import Final, NamedTuple, TypeAlias, TypeVar

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from headrace.contracts.contract import Zone
from headrace.systems.retry import Backoff
from include.spark.batch.publishing.differences import CHANGE, difference
from include.spark.batch.publishing.target import Overtaken, Target

T = TypeVar("T")

PATIENCE: Final = Backoff(tries=6, first_s=0.5, longest_s=15.0)
"""With those who are overtaken, see `Overtaken`."""

Audit: TypeAlias = Callable[[Mapping[Zone, DataFrame]], Sequence[str]]
"""Looks at what each changed zone would hold; says what forbids to publish it."""


class Unpublished(Exception):
    """What was written broke rules of severity error: it stays on the branch, and readers see what they saw before."""

    def __init__(self, forbids: Sequence[str], changed: Mapping[Zone, Mapping[str, int]]) -> None:
        super().__init__("; ".join(forbids))
        self.forbids = tuple(forbids)
        self.changed = changed


class Work(NamedTuple):
    """What is to be done in one zone."""

    zone: Zone
    target: Target
    changes: DataFrame
    identity: tuple[str, ...]
    counts: Mapping[str, int]


def patiently(spark: SparkSession, attempt: Callable[[], T]) -> T:
    """The attempt's answer; an attempt that is overtaken begins again. Raises Overtaken when others go on and on."""
    for failures in range(1, PATIENCE.tries):
        try:
            return attempt()
        except Overtaken:
            time.sleep(PATIENCE.wait_s(failures))
        finally:
            spark.catalog.clearCache()
    return attempt()


def changes_of(rows: DataFrame, target: Target, there: DataFrame, identity: Sequence[str]) -> DataFrame:
    """What must change in the target, of which `there` are the rows in question, for it to hold these rows."""
    if target.snapshot is None:
        return rows.withColumn(CHANGE, f.lit("insert"))
    return difference(rows, there, identity).cache()


def counted(changes: Mapping[Zone, DataFrame]) -> dict[Zone, dict[str, int]]:
    """Zone → kind of change → rows, for the zones in which there are any."""
    each = [rows.select(f.lit(zone).alias("zone"), CHANGE) for zone, rows in changes.items()]
    found: dict[Zone, dict[str, int]] = {}
    for row in reduce(DataFrame.unionAll, each).groupBy("zone", CHANGE).count().collect():
        found.setdefault(row.zone, {})[row[CHANGE]] = row["count"]
    return found


def publish(work: Sequence[Work], audit: Audit) -> dict[Zone, Mapping[str, int]]:
    """Write, audit, publish, in the order of the work; zone → kind of change → rows.

    Raises:
        Unpublished: the audit forbids it.
        Overtaken: somebody else has changed one of the tables.
    """
    changed = {each.zone: each.counts for each in work}
    if not work:
        return changed
    try:
        for each in work:
            each.target.write(each.changes, each.identity, each.counts)
        if forbids := audit({each.zone: each.target.written() for each in work}):
            for each in work:
                each.target.refuse()
            raise Unpublished(forbids, changed)
        for each in work:
            each.target.publish()
    except BaseException:
        for each in work:
            with suppress(Exception):  # it ages out; what went wrong first is what is told
                each.target.forget()
        raise
    return changed
