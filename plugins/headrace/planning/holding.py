"""Hold back datasets that cannot be applied, so that the other datasets of a plan are applied.

A dataset is held back when its files cannot be read, when a rule refuses its change, when its source differs from the
contract, or when it depends on another held-back dataset. Shared resources are then planned with its last applied
contract, or without it when it was never applied.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeAlias

from headrace.contracts.contract import Contract
from headrace.contracts.loading import between
from headrace.errors import ContractError
from headrace.planning.check_sql import served_checks, sql_rules
from headrace.planning.checks import checks
from headrace.planning.plan import Change, Plan, Refusal

Contracts: TypeAlias = Mapping[str, Contract]
"""Dataset id → contract."""
PlanOf: TypeAlias = Callable[[tuple[Contract, ...]], Plan]
"""Function that plans a set of contracts, including breaking changes."""


def hold_back(
    wanted: Contracts,
    applied: Contracts,
    held: Mapping[str, str],
    plan_of: PlanOf,
    inputs: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> Plan:
    """Return the plan for the wanted contracts, without the datasets that must be held back.

    Args:
        wanted: every contract to apply, including applied contracts that are out of scope.
        applied: the last applied contracts.
        held: datasets that are held back for a reason that is already known.
        plan_of: plans a set of contracts.
        inputs: mart → the datasets that its SQL reads.
    """
    held = dict(held)
    refusals: dict[tuple[object, ...], Refusal] = {}
    withheld: dict[tuple[str, str], Change] = {}
    while True:
        contracts = effective(wanted, applied, held)
        if fresh := dict(_unfit(contracts, applied, held, inputs)):
            held |= fresh
            continue
        plan = plan_of(tuple(contracts.values()))
        refusals |= {(r.datasets, r.about, r.rule): r for r in plan.refusals}
        fresh = {d: f"{r.message}" for r in plan.refusals for d in r.datasets if d not in held}
        gone = held.keys() | fresh.keys()
        withheld |= {c.resource.key: c for c in plan.changes if c.breaking or set(c.resource.datasets) & fresh.keys()}
        if not fresh:
            break
        held |= fresh
    changes = tuple(change for change in plan.changes if not change.breaking)
    planned = {change.resource.key for change in changes}
    return replace(
        plan,
        changes=changes,
        refusals=tuple(refusals.values()),
        withheld=tuple(
            c for key, c in withheld.items() if c.breaking or (key not in planned and set(c.resource.datasets) <= gone)
        ),
        held=held,
        contracts=tuple(contracts.values()),
    )


def effective(wanted: Contracts, applied: Contracts, held: Collection[str]) -> dict[str, Contract]:
    """Return each contract as wanted, or as last applied when it is held back; in order of id."""
    found = {dataset: contract for dataset, contract in wanted.items() if dataset not in held}
    found |= {dataset: applied[dataset] for dataset in held if dataset in applied}
    return dict(sorted(found.items()))


def invalid_check(contract: Contract) -> str | None:
    """Return what is wrong with a check of the contract that cannot be run, or None."""
    try:
        checks(contract)
        served_checks(contract)
        sql_rules(contract)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        return f"{contract.terms_path}: {error}"
    return None


def _unfit(
    contracts: Contracts, applied: Contracts, held: Mapping[str, str], inputs: Mapping[str, Collection[str]]
) -> Iterator[tuple[str, str]]:
    """Yield datasets that conflict with others, and why. Of two datasets that collide, yield one that would change."""
    for dataset in contracts.keys() & inputs.keys() - held.keys():
        if missing := sorted(held.keys() & set(inputs[dataset]) - contracts.keys()):
            yield dataset, f"it reads {', '.join(missing)}, which is held back; correct that first"
    by_path = {path: c.id for c in contracts.values() for path in (c.path, c.terms_path)}
    for error in between(tuple(contracts.values()), all_read=True):
        dataset = _blamed(error, by_path, contracts, applied)
        if dataset not in held:
            yield dataset, str(error)


def _blamed(error: ContractError, by_path: Mapping[str, str], contracts: Contracts, applied: Contracts) -> str:
    named = by_path.get(error.path, error.path)
    if contracts.get(named) != applied.get(named):
        return named
    changed = (d for d, c in contracts.items() if d in error.message.split() and c != applied.get(d))
    return next(changed, named)
