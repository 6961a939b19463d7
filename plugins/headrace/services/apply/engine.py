"""Observe every system, plan the changes that the contracts need, and apply the plan in a safe order."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, TypeAlias

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.errors import HeadraceError, HeldBack, SystemFailure, SystemUnavailable
from headrace.planning.desired import desired
from headrace.planning.diff import diff
from headrace.planning.holding import hold_back, invalid_check
from headrace.planning.impact import Dependent, impact_of, sentence
from headrace.planning.plan import Change, Note, Plan, Refusal
from headrace.planning.resources import Key, Kind, Resource
from headrace.planning.settings import PlanSettings
from headrace.services.connectors import snapshots
from headrace.systems.bundle import Systems
from headrace.systems.connect import state as connect_state
from headrace.systems.kafka import state as kafka_state
from headrace.systems.lake import state as lake_state
from headrace.systems.oltp.drift import Drift, Source, drift, unknown_drift
from headrace.systems.platform.applied import AppliedRecord
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
"""Function that applies a change, by the kind of its resource."""


def observe_all(systems: Systems, wanted: Iterable[Resource], owned: Collection[str] = ()) -> tuple[Resource, ...]:
    """Return the current state of the wanted resources and of the connectors that Headrace created.

    Raises:
        SystemUnavailable: a system does not answer; the message has its name, its address and since when.
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


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """Inputs of a plan."""

    contracts: tuple[Contract, ...]
    """Contracts as read from the folder."""
    unreadable: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Dataset id → why its files cannot be read."""
    unreachable: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Source connection → why it is not available."""
    datasets: tuple[str, ...] = ()
    """Ids of the datasets to plan for; all when empty."""
    dependents: tuple[Dependent, ...] = ()
    """Metrics and marts, for the messages of refusals."""
    inputs: Mapping[str, Collection[str]] = field(default_factory=dict, hash=False)
    """Mart → the datasets that its SQL reads."""

    def wanted(self, applied: Mapping[str, Contract]) -> dict[str, Contract]:
        """Return every contract to plan for, by id; contracts out of scope as they were applied."""
        chosen = {c.id: c for c in self.contracts if not self.datasets or c.id in self.datasets}
        return {**applied, **chosen} if self.datasets else chosen

    def held(self, applied: Mapping[str, Contract], settings: PlanSettings) -> dict[str, str]:
        """Return the datasets in scope that are held back regardless of the systems' state, and why."""
        known = {
            c.id: why for c in self.contracts if c.id in self.wanted({}) and (why := _unplannable(c, self, settings))
        }
        broken = {d: why for d, why in self.unreadable.items() if not self.datasets or d in self.datasets}
        return {**broken, **known}


@dataclass(frozen=True, slots=True)
class Planner:
    """Computes the plan from one observation of the systems; computes it again without datasets that fail."""

    request: PlanRequest
    settings: PlanSettings
    applied: Mapping[str, Contract]
    observed: tuple[Resource, ...]
    owned: frozenset[str]
    known: frozenset[Key]
    """Resources that a contract declares, held back or not; they are not leftovers."""
    drifts: tuple[Drift, ...]

    def plan(self, failed: Mapping[str, str] = MappingProxyType({})) -> Plan:
        """Return the plan, with the failed datasets held back too."""
        held = {**self.request.held(self.applied, self.settings), **failed}
        wanted = self.request.wanted(self.applied)
        plan = hold_back(wanted, self.applied, held, self._of, self.request.inputs)
        there = wanted.keys() | plan.held.keys()
        retired = () if self.request.datasets else tuple(sorted(self.applied.keys() - there))
        return replace(plan, retired=retired)

    def _of(self, contracts: tuple[Contract, ...]) -> Plan:
        found = desired(contracts, self.settings)
        only = set(self.request.datasets)
        if only:
            found = tuple(r for r in found if set(r.datasets) & only)
        wanted = {resource.key for resource in found}
        owned = {name for name in self.owned if ("connector", name) not in self.known}
        there = [r for r in self.observed if r.key in wanted or r.key not in self.known]
        dependents = self.request.dependents
        plan = diff(found, there, contracts=contracts, dependents=dependents, owned=owned)
        ids = {contract.id for contract in contracts}
        return _with_drift(plan, [d for d in self.drifts if d.dataset in ids], contracts, dependents)


def observe(systems: Systems, request: PlanRequest, settings: PlanSettings) -> Planner:
    """Observe every system once. Change nothing.

    Raises:
        SystemUnavailable: a system that every dataset needs does not answer.
        ValueError: a dataset has no contract.
    """
    applied = AppliedRecord(systems.platform).contracts()
    _require_known(request, applied)
    held = request.held(applied, settings)
    wanted = {d: c for d, c in request.wanted(applied).items() if d not in held}
    either = {resource.key: resource for resource in desired(_plannable(applied, settings), settings)}
    either |= {resource.key: resource for resource in desired(wanted.values(), settings)}
    owned = frozenset() if request.datasets else systems.platform.owned_connectors()
    observed = observe_all(systems, either.values(), owned)
    known = {r.key for r in either.values() if not set(r.datasets) <= applied.keys() - wanted.keys() - held.keys()}
    scope = [contract for contract in wanted.values() if not request.datasets or contract.id in request.datasets]
    drifts = source_drift(systems, scope, settings)
    return Planner(request, settings, applied, observed, owned, frozenset(known), drifts)


def source_drift(systems: Systems, contracts: Iterable[Contract], settings: PlanSettings) -> tuple[Drift, ...]:
    """Return the differences between source tables and the contracts of CDC datasets."""
    found: list[Drift] = []
    for connection, hook in systems.sources.items():
        mine = [c for c in contracts if c.captured and c.source.connection == connection]
        if not mine:
            continue
        database = settings.sources.get(connection)
        role = database.user if database else "cdc"
        try:
            tables = hook.tables((c.source.table or "" for c in mine), role)
            source = Source(hook.publication(names.publication(connection)), role, hook.empty_enums())
        except SystemFailure as failure:
            found += [unknown_drift(contract, str(failure)) for contract in mine]
            continue
        for contract in mine:
            found += drift(contract, tables.get(contract.source.table or ""), source)
    return tuple(found)


def apply_plan(
    systems: Systems,
    planner: Planner,
    log: Log,
    *,
    texts: Mapping[str, tuple[str, str]] = MappingProxyType({}),
    number: int | None = None,
) -> Plan:
    """Apply the plan, log one line per step, and record each dataset whose steps were all done.

    A failed step holds back its datasets and what depends on them; the others continue. Finished steps stay: the next
    plan continues from there.

    Args:
        texts: dataset id → the texts of its two files, for the record.
        number: id of the plan, for the record.

    Return the plan that was applied. Raises HeldBack, at the end, when datasets were held back.
    """
    plan = planner.plan()
    run = _Run(systems, log, len(plan.changes))
    run.steps(change for change in plan.changes if change.resource.kind != "connector")
    rest = planner.plan(run.failed) if run.failed else plan
    run.steps(change for change in rest.changes if change.resource.kind == "connector")
    last = planner.plan(run.failed) if run.failed else plan
    run.snapshots(plan.changes)
    record = AppliedRecord(systems.platform)
    for contract in last.contracts:
        if contract.id not in last.held and _in_scope(contract, planner.request):
            record.keep(contract, texts.get(contract.id, ("", "")), number)
    if last.retired:
        record.retire(last.retired)
        log(f"retired (their rows stay): {', '.join(last.retired)}")
    if reasons := tuple(dict.fromkeys((*plan.reasons, *last.reasons, *run.others))):
        raise HeldBack(reasons, retry=bool(run.failed or run.others))
    return last


@dataclass(slots=True)
class _Run:
    """The steps of one plan."""

    systems: Systems
    log: Log
    total: int
    done: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    """Dataset id → description of its failed step."""
    down: dict[str, SystemUnavailable] = field(default_factory=dict)
    """System → its failure. Later steps of that system fail at once and do not call it again."""
    others: list[str] = field(default_factory=list)
    """Failures that belong to no dataset."""

    def steps(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self.done += 1
            step = f"{self.done}/{self.total} {change.action} {change.resource.kind} {change.resource.name}"
            datasets = set(change.resource.datasets)
            if datasets and datasets <= self.failed.keys():
                self.log(f"{step}: held back")
                continue
            try:
                self._step(change, step)
            except HeadraceError as error:
                self.log(f"{step}: failed: {error}")
                what = f"{change.action} {change.resource.kind} {change.resource.name} failed: {error}"
                for dataset in change.resource.datasets:
                    self.failed.setdefault(dataset, what)
                if not datasets:
                    self.others.append(what)

    def _step(self, change: Change, step: str) -> None:
        system = change.resource.kind.partition("_")[0]
        if system in self.down:
            raise self.down[system]
        began = time.monotonic()
        try:
            _carry_out(self.systems, change)
        except SystemUnavailable as error:
            self.down[system] = error
            raise
        self.log(f"{step}: done in {time.monotonic() - began:.1f} s")

    def snapshots(self, changes: Iterable[Change]) -> None:
        systems = self.systems
        try:
            snapshots.note_filled(systems.platform, systems.sources, systems.connect, changes)
            snapshots.take_due(
                systems.platform,
                systems.kafka,
                systems.registry.schema,
                systems.sources,
                systems.connect,
                self.log,
            )
        except HeadraceError as error:
            self.log(f"snapshots: failed: {error}")
            self.others.append(str(error))


def _carry_out(systems: Systems, change: Change) -> None:
    resource = change.resource
    if resource.kind != "connector":
        APPLY[resource.kind](systems, change)
        return
    snapshots.require_whole(systems.connect, change)
    # Before the connector gets the tables: after a crash in between, they stay due.
    systems.platform.add_due_snapshots(*snapshots.added_tables(change))
    APPLY[resource.kind](systems, change)
    systems.platform.own_connector(resource.name, made=change.action != "delete")


def _in_scope(contract: Contract, request: PlanRequest) -> bool:
    return not request.datasets or contract.id in request.datasets


def _require_known(request: PlanRequest, applied: Mapping[str, Contract]) -> None:
    there = {contract.id for contract in request.contracts} | request.unreadable.keys()
    if unknown := sorted(set(request.datasets) - there):
        raise ValueError(f"no contract for {', '.join(unknown)}; known datasets: {', '.join(sorted(there)) or 'none'}")


def _unplannable(contract: Contract, request: PlanRequest, settings: PlanSettings) -> str | None:
    """Return why the contract cannot be planned regardless of the systems' state, or None."""
    connection = contract.source.connection
    if contract.captured and connection not in settings.sources:
        why = request.unreachable.get(connection, f"known: {', '.join(sorted(settings.sources)) or 'none'}")
        return (
            f"{contract.path}: the source connection {connection!r} is unknown ({why}). Add the Airflow connection "
            f"{names.airflow_connection(connection)!r}, or change the connection in the contract."
        )
    return invalid_check(contract)


def _plannable(contracts: Mapping[str, Contract], settings: PlanSettings) -> list[Contract]:
    return [c for c in contracts.values() if not c.captured or c.source.connection in settings.sources]


def _with_drift(
    plan: Plan,
    drifts: Iterable[Drift],
    contracts: tuple[Contract, ...],
    dependents: tuple[Dependent, ...],
) -> Plan:
    refusals, notes = list(plan.refusals), list(plan.notes)
    for found in drifts:
        if found.breaking:
            impact = impact_of([found.dataset], contracts, dependents)
            hits = sentence(impact)
            message = f"{found.message} {hits}." if hits else found.message
            refusals.append(Refusal((found.dataset,), found.about, found.rule, (), impact, message))
        elif not any(found.dataset in note.resource.datasets for note in plan.notes):
            about = Resource("topic", found.dataset, {}, (found.dataset,))
            notes.append(Note("drift", about, found.message))
    return replace(plan, refusals=tuple(refusals), notes=tuple(notes))
