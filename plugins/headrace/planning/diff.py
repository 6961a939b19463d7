"""Compare the desired state with the observed state, and build the plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.planning import subject_differences
from headrace.planning.differences import Difference, differences
from headrace.planning.impact import Dependent, impact_of, sentence
from headrace.planning.plan import Change, Detail, Impact, Note, Plan, Refusal
from headrace.planning.resources import KINDS, Resource, in_order
from headrace.planning.rules import judge

__all__ = ["Change", "Detail", "Impact", "Note", "Plan", "Refusal", "diff"]


_Group: TypeAlias = tuple[tuple[str, ...], str, str]
"""Datasets, subject, and rule of one refusal."""


def diff(
    desired: Iterable[Resource],
    observed: Iterable[Resource],
    *,
    contracts: Iterable[Contract] = (),
    dependents: Iterable[Dependent] = (),
    owned: Collection[str] = (),
) -> Plan:
    """Return the plan that changes the observed state to the desired one; empty when they are equal.

    Args:
        contracts: contracts of the desired state; used for the file names and the impact in refusals.
        dependents: metrics and marts, for the impact in refusals.
        owned: names of the connectors that Headrace created. The ones that no contract declares any more are deleted.
            Nothing else is ever deleted; other leftovers become notes.
    """
    contracts, dependents = tuple(contracts), tuple(dependents)
    wanted = in_order(desired)
    there = {resource.key: resource for resource in observed}
    pairs = [(resource, there.get(resource.key)) for resource in wanted]
    left = in_order(there[key] for key in there.keys() - {resource.key for resource in wanted})
    gone = [r for r in left if r.kind == "connector" and r.name in owned]
    changes = [Change("delete", resource, resource) for resource in gone]
    changes += [change for pair in pairs for change in _change(*pair)]
    changes.sort(key=lambda change: KINDS.index(change.resource.kind))
    notes = [note for pair in pairs for note in _drift(*pair)]
    notes += [_orphan(resource) for resource in left if resource not in gone]
    notes += [note for contract in contracts for note in _outdated(contract)]
    return Plan(tuple(changes), _refusals(changes, contracts, dependents), tuple(notes))


def _change(desired: Resource, observed: Resource | None) -> Iterator[Change]:
    if observed is None:
        yield Change("create", desired)
        return
    compare = subject_differences.differences if desired.kind == "subject" else differences
    details = tuple(_detail(difference) for difference in compare(desired, observed))
    if details:
        yield Change("update", desired, observed, details)


def _detail(difference: Difference) -> Detail:
    rule = judge(difference)
    return Detail(
        difference.path,
        difference.before,
        difference.after,
        rule.breaking,
        rule.id,
        rule.message(difference),
        rule.next_step,
    )


def _drift(desired: Resource, observed: Resource | None) -> Iterator[Note]:
    ahead = subject_differences.ahead(desired, observed) if observed else ()
    if ahead:
        fields = ", ".join(f'"{name}"' for name in ahead)
        place = ", ".join(desired.datasets) or desired.name
        yield Note(
            "drift",
            desired,
            f"{place}: the source has {fields}, which the contract does not declare. "
            "Add it to the .avsc to store and serve it.",
        )


def _orphan(resource: Resource) -> Note:
    return Note(
        "orphan",
        resource,
        f"{resource.kind} {resource.name}: no contract declares it. "
        "A plan never drops it; drop it manually when nothing reads it.",
    )


def _outdated(contract: Contract) -> Iterator[Note]:
    about = Resource("topic", names.topic(contract), {}, (contract.id,))
    for what in contract.outdated:
        yield Note("outdated", about, f"{contract.terms_path}: {what}.")


def _refusals(
    changes: Iterable[Change], contracts: Sequence[Contract], dependents: Sequence[Dependent]
) -> tuple[Refusal, ...]:
    """Return one refusal per field and rule, regardless of how many resources show it."""
    groups: dict[_Group, list[tuple[Change, Detail]]] = {}
    for change in changes:
        for detail in change.details:
            if detail.breaking:
                key = change.resource.datasets, _subject_of(detail), detail.rule
                groups.setdefault(key, []).append((change, detail))
    paths = {contract.id: contract.path for contract in contracts}
    return tuple(_refusal(key, found, impact_of(key[0], contracts, dependents), paths) for key, found in groups.items())


def _subject_of(detail: Detail) -> str:
    """Return the subject of a difference: `field "x"` of the contract, else its path in the spec."""
    head, _, rest = detail.path.partition(".")
    name = detail.column or (rest if head in ("schema", "key") else "")
    return f'field "{name}"' if name else detail.path


def _refusal(key: _Group, found: Sequence[tuple[Change, Detail]], impact: Impact, paths: Mapping[str, str]) -> Refusal:
    datasets, about, rule = key
    resources = tuple(f"{change.resource.kind} {change.resource.name}" for change, _ in found)
    place = ", ".join(paths.get(dataset) or dataset for dataset in datasets) or resources[0]
    first = found[0][1]
    fact = f"{place}: {about}: {first.message} ({rule}, in {', '.join(resources)})"
    message = ". ".join(part for part in (fact, sentence(impact), first.next_step) if part) + "."
    return Refusal(datasets, about, rule, resources, impact, message)
