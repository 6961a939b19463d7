"""One refinement, from raw to what is published."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import reduce
from typing import Any, Final, NamedTuple, TypeAlias

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from headrace.contracts import names
from headrace.contracts.contract import Contract, Zone
from headrace.systems.retry import Backoff
from include.spark.batch.refine.changes import conformed, hidden, passing, quarantined
from include.spark.batch.refine.differences import CHANGE, difference
from include.spark.batch.refine.publish import Overtaken, Target
from include.spark.batch.refine.selection import Selection, bounds, of_keys
from include.spark.batch.refine.versions import current, versions

PATIENCE: Final = Backoff(tries=6, first_s=0.5, longest_s=15.0)
"""With those who are overtaken, see `Overtaken`."""
ZONES: Final[tuple[Zone, ...]] = ("quarantine", "history", "cleaned")
"""In the order in which they are published: a reader of cleaned finds the history of what it reads."""

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


def refine(spark: SparkSession, contract: Contract, selection: Selection, audit: Audit) -> dict[str, Any]:
    """Bring the zones in line with raw; how many rows of each zone were inserted, updated and deleted.

    Raises:
        Unpublished: the audit forbids it.
        Overtaken: others kept changing the tables meanwhile.
    """
    for failures in range(1, PATIENCE.tries):
        try:
            return _attempt(spark, contract, selection, audit)
        except Overtaken:
            time.sleep(PATIENCE.wait_s(failures))
        finally:
            spark.catalog.clearCache()
    return _attempt(spark, contract, selection, audit)


def _attempt(spark: SparkSession, contract: Contract, selection: Selection, audit: Audit) -> dict[str, Any]:
    # The targets are looked at before raw is: whoever publishes after this look makes us begin again.
    targets = {zone: Target.now(spark, names.lake_table(contract, zone)) for zone in ZONES if zone in contract.zones}
    raw = Target.now(spark, names.raw_table(contract)).rows()
    keys = selection.keys(raw, contract)
    work = () if keys is not None and keys.isEmpty() else _work(raw, keys, contract, targets)
    _publish(work, audit)
    return {"dataset": contract.id, "changed": _changed(work), "watermark": selection.reached(raw)}


def _publish(work: Sequence[Work], audit: Audit) -> None:
    """Write, audit, publish."""
    if not work:
        return
    try:
        for each in work:
            each.target.write(each.changes, each.identity, each.counts)
        if forbids := audit({each.zone: each.target.written() for each in work}):
            for each in work:
                each.target.refuse()
            raise Unpublished(forbids, _changed(work))
        for each in work:
            each.target.publish()
    except BaseException:
        for each in work:
            with suppress(Exception):  # it ages out; what went wrong first is what is told
                each.target.forget()
        raise


def _work(
    raw: DataFrame, keys: DataFrame | None, contract: Contract, targets: Mapping[Zone, Target]
) -> tuple[Work, ...]:
    """What must change in each zone for the keys at hand; nothing for a zone that is right."""
    identities = {
        "quarantine": ("_kafka_partition", "_offset"),
        "history": (*contract.key, "_valid_from"),
        "cleaned": contract.key,
    }
    narrowed = _narrowed(keys, contract)
    changes = {}
    for zone, rows in _wanted(of_keys(raw, contract, keys), contract).items():
        if zone in targets and targets[zone].snapshot is None:
            changes[zone] = rows.withColumn(CHANGE, f.lit("insert"))
        elif zone in targets:
            changes[zone] = difference(rows, narrowed(targets[zone].rows()), identities[zone]).cache()
    counts = _counted(changes)
    return tuple(Work(z, targets[z], changes[z], identities[z], counts[z]) for z in ZONES if z in counts)


def _wanted(chosen: DataFrame, contract: Contract) -> dict[Zone, DataFrame]:
    """What each zone should hold for the keys at hand."""
    changes = conformed(chosen, contract).cache()
    history = versions(passing(changes, contract), contract).cache()
    return {"quarantine": quarantined(changes, contract), "history": history, "cleaned": current(history)}


def _narrowed(keys: DataFrame | None, contract: Contract) -> Callable[[DataFrame], DataFrame]:
    """Takes the rows of a zone past raw and keeps those of the keys at hand."""
    if keys is None:
        return lambda rows: rows
    shown = hidden(keys, contract)
    lies = bounds(shown, contract.key[0])
    return lambda rows: rows.where(lies).join(shown, list(contract.key), "left_semi")


def _counted(changes: Mapping[Zone, DataFrame]) -> dict[Zone, dict[str, int]]:
    """Zone → kind of change → rows, for the zones in which there are any."""
    each = [rows.select(f.lit(zone).alias("zone"), CHANGE) for zone, rows in changes.items()]
    found: dict[Zone, dict[str, int]] = {}
    for row in reduce(DataFrame.unionAll, each).groupBy("zone", CHANGE).count().collect():
        found.setdefault(row.zone, {})[row[CHANGE]] = row["count"]
    return found


def _changed(work: Sequence[Work]) -> dict[Zone, Mapping[str, int]]:
    return {each.zone: each.counts for each in work}
