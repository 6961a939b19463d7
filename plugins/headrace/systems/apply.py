"""Contracts made real: observe every system, plan, and carry the plan out in its safe order."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.errors import HeadraceError
from headrace.planning.blast import Dependent, blast_of, sentence
from headrace.planning.desired import desired
from headrace.planning.diff import diff
from headrace.planning.plan import Change, Note, Plan, Refusal
from headrace.planning.resources import Kind, Resource
from headrace.planning.settings import PlanSettings
from headrace.systems.bundle import Systems
from headrace.systems.connect import snapshots
from headrace.systems.connect import state as connect_state
from headrace.systems.kafka import state as kafka_state
from headrace.systems.lake import state as lake_state
from headrace.systems.oltp.drift import Drift, drift
from headrace.systems.registry import state as registry_state
from headrace.systems.serving import state as serving_state
from headrace.systems.warehouse import state as warehouse_state

Log: TypeAlias = Callable[[str], None]

APPLY: Final[Mapping[Kind, Callable[[Systems, Change], None]]] = {
    "lake_table": lambda systems, change: lake_state.apply(systems.lake, change),
    "warehouse_table": lambda systems, change: warehouse_state.apply(systems.warehouse, change),
    "warehouse_view": lambda systems, change: warehouse_state.apply(systems.warehouse, change),
    "serving_table": lambda systems, change: serving_state.apply(systems.serving, change),
    "topic": lambda systems, change: kafka_state.apply(systems.kafka, change),
    "subject": lambda systems, change: registry_state.apply(systems.registry, change),
    "connector": lambda systems, change: connect_state.apply(systems.connect, change),
}
"""Which system carries out a change, by the kind of its resource."""


def observe_all(systems: Systems, wanted: Iterable[Resource], owned: Collection[str] = ()) -> tuple[Resource, ...]:
    """What the systems hold of the wanted resources, and of the connectors that Headrace made.

    Raises:
        SystemUnavailable: one of them does not answer; which, where, since when.
    """
    wanted = tuple(wanted)
    there = {resource.name for resource in wanted if resource.kind == "connector"}
    owned_too = [Resource("connector", name, {}) for name in sorted(set(owned) - there)]
    return (
        *lake_state.observe(systems.lake, wanted),
        *warehouse_state.observe(systems.warehouse, wanted),
        *serving_state.observe(systems.serving, wanted),
        *kafka_state.observe(systems.kafka, wanted),
        *registry_state.observe(systems.registry, wanted),
        *connect_state.observe(systems.connect, (*wanted, *owned_too)),
    )


def make_plan(
    systems: Systems,
    contracts: Iterable[Contract],
    settings: PlanSettings,
    *,
    datasets: Collection[str] = (),
    dependents: Iterable[Dependent] = (),
) -> Plan:
    """The plan for all contracts, or for these datasets only; changes nothing.

    A plan for some datasets leaves alone what serves none of them. What they share with others
    (connectors, control topics) is planned for them and for those that are live already.

    Raises:
        SystemUnavailable: a system does not answer.
        ValueError: a dataset has no contract.
    """
    everything = tuple(contracts)
    chosen = _chosen(everything, datasets)
    scope = everything if not datasets else (*chosen, *_live(systems, everything, chosen))
    wanted = desired(scope, settings)
    if datasets:
        wanted = tuple(r for r in wanted if set(r.datasets) & set(datasets))
    owned = () if datasets else systems.platform.owned_connectors()
    observed = observe_all(systems, wanted, owned)
    dependents = tuple(dependents)
    plan = diff(wanted, observed, contracts=scope, dependents=dependents, owned=owned)
    drifts = source_drift(systems, chosen)
    return _with_drift(plan, drifts, scope, dependents)


def source_drift(systems: Systems, contracts: Iterable[Contract]) -> tuple[Drift, ...]:
    """Where source tables are not as the contracts of CDC datasets expect."""
    found: list[Drift] = []
    for connection, hook in systems.sources.items():
        mine = [c for c in contracts if c.source.kind == "cdc" and c.source.connection == connection]
        if not mine:
            continue
        tables = hook.tables(c.source.table or "" for c in mine)
        published = hook.published(names.publication(connection))
        for contract in mine:
            found += drift(contract, tables.get(contract.source.table or ""), published)
    return tuple(found)


def apply_plan(systems: Systems, plan: Plan, log: Log) -> None:
    """Carries out the plan, one line in the log for each step; the first failure stops it.

    What was done stays done: the next plan begins where this one stopped.

    Raises:
        PlanRefused: the plan would break what exists; nothing was touched.
        SystemUnavailable, SystemRefused: a step failed.
    """
    plan.require_safe()
    total = len(plan.changes)
    for number, change in enumerate(plan.changes, start=1):
        step = f"{number}/{total} {change.action} {change.resource.kind} {change.resource.name}"
        began = time.monotonic()
        try:
            _carry_out(systems, change)
        except HeadraceError as error:
            log(f"{step}: failed: {error}")
            raise
        log(f"{step}: done in {time.monotonic() - began:.1f} s")
    snapshots.take_due(systems.platform, systems.kafka, systems.registry.schema, systems.sources, log)


def _carry_out(systems: Systems, change: Change) -> None:
    resource = change.resource
    if resource.kind != "connector":
        APPLY[resource.kind](systems, change)
        return
    # Before the connector knows of the tables: if we stop in between, they stay due.
    systems.platform.add_due_snapshots(*snapshots.added_tables(change))
    APPLY[resource.kind](systems, change)
    systems.platform.own_connector(resource.name, made=change.action != "delete")


def _chosen(contracts: tuple[Contract, ...], datasets: Collection[str]) -> tuple[Contract, ...]:
    unknown = sorted(set(datasets) - {contract.id for contract in contracts})
    if unknown:
        known = ", ".join(sorted(contract.id for contract in contracts)) or "none"
        raise ValueError(f"no contract for {', '.join(unknown)}; there are: {known}")
    return tuple(c for c in contracts if not datasets or c.id in datasets)


def _live(systems: Systems, contracts: Iterable[Contract], chosen: Collection[Contract]) -> tuple[Contract, ...]:
    """The other contracts whose topic is there: they were applied before."""
    topics = systems.kafka.partitions()
    return tuple(c for c in contracts if c not in chosen and names.topic(c) in topics)


def _with_drift(
    plan: Plan,
    drifts: Iterable[Drift],
    contracts: tuple[Contract, ...],
    dependents: tuple[Dependent, ...],
) -> Plan:
    refusals, notes = list(plan.refusals), list(plan.notes)
    for found in drifts:
        if found.breaking:
            blast = blast_of([found.dataset], contracts, dependents)
            hits = sentence(blast)
            message = f"{found.message} {hits}." if hits else found.message
            refusals.append(Refusal((found.dataset,), found.about, found.rule, (), blast, message))
        elif not any(found.dataset in note.resource.datasets for note in plan.notes):
            about = Resource("topic", found.dataset, {}, (found.dataset,))
            notes.append(Note("drift", about, found.message))
    return replace(plan, refusals=tuple(refusals), notes=tuple(notes))
