"""Refine one dataset: select keys in raw, compute the changes of each zone, audit and publish them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pyspark.sql import DataFrame, SparkSession

from headrace.contracts import names
from headrace.contracts.contract import Contract, Zone
from headrace.errors import SystemRefused
from include.spark.batch.publishing.target import Target
from include.spark.batch.publishing.work import Audit, Work, changes_of, counted, patiently, publish
from include.spark.batch.refine.changes import conformed, hidden, passing, quarantined
from include.spark.batch.refine.selection import Selection, bounds, of_keys
from include.spark.batch.refine.versions import current, versions

ZONES: Final[tuple[Zone, ...]] = ("quarantine", "history", "cleaned")
"""Zones in publishing order, so that the history of every visible cleaned row is already visible."""


def refine(spark: SparkSession, contract: Contract, selection: Selection, audit: Audit) -> dict[str, Any]:
    """Refresh the zones from raw; return the number of inserted, updated and deleted rows of each zone.

    Raises:
        SystemRefused: raw lacks a column of the contract.
        Unpublished: the audit rejects the changes.
        Overtaken: other writers changed the tables during every attempt.
    """
    return patiently(spark, lambda: _attempt(spark, contract, selection, audit))


def _attempt(spark: SparkSession, contract: Contract, selection: Selection, audit: Audit) -> dict[str, Any]:
    # Read the targets' snapshots before raw: a later publish by another writer then forces a retry.
    targets = {zone: Target.now(spark, names.lake_table(contract, zone)) for zone in ZONES if zone in contract.zones}
    source = Target.now(spark, names.raw_table(contract))
    raw = source.rows()
    _follows(raw, contract)
    keys = selection.keys(raw, contract)
    work = () if keys is not None and keys.isEmpty() else _work(raw, keys, contract, targets)
    changed = publish(work, audit)
    reached = selection.reached(raw)
    refined = None if reached is None else source.records()
    return {"dataset": contract.id, "changed": changed, "watermark": reached, "raw_records": refined}


def _follows(raw: DataFrame, contract: Contract) -> None:
    missing = [field.name for field in contract.record.fields if field.name not in raw.columns]
    if missing:
        why = f"columns of the contract are missing: {', '.join(missing)}; run apply_contracts, then retry"
        raise SystemRefused("lake", names.raw_table(contract), why)


def _work(
    raw: DataFrame, keys: DataFrame | None, contract: Contract, targets: Mapping[Zone, Target]
) -> tuple[Work, ...]:
    """Return the changes of each zone for the selected keys; zones without changes are omitted."""
    identities = {
        "quarantine": ("_kafka_partition", "_offset"),
        "history": (*contract.identity, "_valid_from"),
        "cleaned": contract.identity,
    }
    narrowed = _narrowed(keys, contract)
    changes = {
        zone: changes_of(rows, targets[zone], narrowed(targets[zone].rows()), identities[zone])
        for zone, rows in _wanted(of_keys(raw, contract, keys), contract).items()
        if zone in targets
    }
    counts = counted(changes)
    return tuple(Work(z, targets[z], changes[z], identities[z], counts[z]) for z in ZONES if z in counts)


def _wanted(chosen: DataFrame, contract: Contract) -> dict[Zone, DataFrame]:
    """Return the desired rows of each zone for the selected keys."""
    changes = conformed(chosen, contract).cache()
    history = versions(passing(changes, contract), contract).cache()
    return {"quarantine": quarantined(changes, contract), "history": history, "cleaned": current(history)}


def _narrowed(keys: DataFrame | None, contract: Contract) -> Callable[[DataFrame], DataFrame]:
    """Return a function that filters the rows of a zone to the selected keys."""
    if keys is None:
        return lambda rows: rows
    shown = hidden(keys, contract)
    lies = bounds(shown, contract.identity[0])
    return lambda rows: rows.where(lies).join(shown, list(contract.identity), "left_semi")
