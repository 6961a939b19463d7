"""Write, audit and publish the changes of several zones together, with retries when another writer interferes."""

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
"""Retries after `Overtaken`."""

Audit: TypeAlias = Callable[[Mapping[Zone, DataFrame]], Sequence[str]]
"""Function from the future rows of each changed zone to the reasons against publishing; empty: publish."""


class Unpublished(Exception):
    """The changes violate rules of severity error: they stay on the branch, and readers see the previous rows."""

    def __init__(self, forbids: Sequence[str], changed: Mapping[Zone, Mapping[str, int]]) -> None:
        super().__init__("; ".join(forbids))
        self.forbids = tuple(forbids)
        self.changed = changed


class Work(NamedTuple):
    """Changes to one zone."""

    zone: Zone
    target: Target
    changes: DataFrame
    identity: tuple[str, ...]
    counts: Mapping[str, int]


def patiently(spark: SparkSession, attempt: Callable[[], T]) -> T:
    """Return the attempt's result; retry it after Overtaken. Raises Overtaken after the last retry."""
    for failures in range(1, PATIENCE.tries):
        try:
            return attempt()
        except Overtaken:
            time.sleep(PATIENCE.wait_s(failures))
        finally:
            spark.catalog.clearCache()
    return attempt()


def changes_of(rows: DataFrame, target: Target, there: DataFrame, identity: Sequence[str]) -> DataFrame:
    """Return the changes that turn `there`, the target's rows in scope, into `rows`."""
    if target.snapshot is None:
        return rows.withColumn(CHANGE, f.lit("insert"))
    return difference(rows, there, identity).cache()


def counted(changes: Mapping[Zone, DataFrame]) -> dict[Zone, dict[str, int]]:
    """Return zone → kind of change → number of rows, for zones with changes."""
    each = [rows.select(f.lit(zone).alias("zone"), CHANGE) for zone, rows in changes.items()]
    found: dict[Zone, dict[str, int]] = {}
    for row in reduce(DataFrame.unionAll, each).groupBy("zone", CHANGE).count().collect():
        found.setdefault(row.zone, {})[row[CHANGE]] = row["count"]
    return found


def publish(work: Sequence[Work], audit: Audit) -> dict[Zone, Mapping[str, int]]:
    """Write, audit and publish in the order of the work; return zone → kind of change → number of rows.

    Raises:
        Unpublished: the audit rejects the changes.
        Overtaken: another writer changed one of the tables.
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
            with suppress(Exception):  # the branch expires; raise the first error
                each.target.forget()
        raise
    return changed
