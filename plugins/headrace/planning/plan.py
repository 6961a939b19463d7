"""Data classes of a plan: changes in a safe order, refusals, notes and held-back datasets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from headrace.contracts.contract import Contract
from headrace.planning.resources import Resource

Action: TypeAlias = Literal["create", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Detail:
    """One difference inside a resource, already judged by a rule."""

    path: str
    """Path in the spec: `columns.total`, `columns.total.type`, `config.retention.ms`, …"""
    before: Any = field(hash=False)
    """The observed value; None when there is none."""
    after: Any = field(hash=False)
    """The desired value; None when there is none."""
    breaking: bool
    rule: str
    """Id of the rule that matched."""
    message: str
    """The difference as a clause."""
    next_step: str = ""
    """What to do instead; only for a breaking difference."""

    @property
    def column(self) -> str | None:
        """Return the column that the difference belongs to, or None."""
        head, _, rest = self.path.partition(".")
        return rest.partition(".")[0] if head == "columns" else None


@dataclass(frozen=True, slots=True)
class Change:
    """One resource to create, update or delete."""

    action: Action
    resource: Resource
    """The desired resource; for a delete, the observed one."""
    observed: Resource | None = None
    """The existing resource; None for a create."""
    details: tuple[Detail, ...] = ()
    """The differences; only for an update."""

    @property
    def breaking(self) -> bool:
        """Return whether the rules refuse any of the differences."""
        return any(detail.breaking for detail in self.details)

    @property
    def added_columns(self) -> tuple[str, ...]:
        """Return the names of the columns that the table lacks, in the table's order."""
        wanted = {d.column for d in self.details if _is_column(d.path) and d.before is None}
        columns = self.resource.spec.get("columns", ())
        return tuple(column["name"] for column in columns if column["name"] in wanted)

    @property
    def altered_columns(self) -> tuple[str, ...]:
        """Return the names of the existing columns that differ, in the table's order."""
        wanted = {d.column for d in self.details if d.column and not _is_column(d.path)}
        columns = self.resource.spec.get("columns", ())
        return tuple(column["name"] for column in columns if column["name"] in wanted)


@dataclass(frozen=True, slots=True)
class Impact:
    """Impact of a change: the tables, streams and views that read or write its data; every tuple is sorted."""

    tables: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    views: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """One breaking change of one field or of a whole dataset, in all resources that show it."""

    datasets: tuple[str, ...]
    about: str
    """`field "x"`, or the path in the spec when the change is not about a field."""
    rule: str
    resources: tuple[str, ...]
    """`kind name` of each resource that has the difference."""
    impact: Impact
    message: str
    """Sentences with the place, the fact, the impact and the next step."""


@dataclass(frozen=True, slots=True)
class Note:
    """Information that causes no change."""

    kind: Literal["orphan", "drift", "outdated"]
    """orphan: the resource exists, but no contract declares it. drift: the source has more fields than the contract.
    outdated: the contract has a word of an earlier version."""
    resource: Resource
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes in a safe order, and the held-back datasets. A refused dataset does not block the others."""

    changes: tuple[Change, ...] = ()
    """Changes to carry out."""
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[Note, ...] = ()
    withheld: tuple[Change, ...] = ()
    """Changes that held-back datasets would need, including the ones that a rule refuses."""
    held: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Dataset id → why its contract is not applied. Its last applied contract stays in effect."""
    contracts: tuple[Contract, ...] = field(default=(), repr=False)
    """Contracts after the plan: the wanted contract, or the last applied one of a held-back dataset."""
    retired: tuple[str, ...] = ()
    """Datasets that were applied and no longer have a contract. Their tables and rows stay."""

    @property
    def empty(self) -> bool:
        """Return whether there are no changes, no refusals and no held-back or retired datasets."""
        return not (self.changes or self.refusals or self.held or self.retired)

    @property
    def orphans(self) -> tuple[Resource, ...]:
        """Return the resources that exist but no contract declares. A plan never drops them."""
        return tuple(note.resource for note in self.notes if note.kind == "orphan")

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return one text per refusal, and one per other reason for holding datasets back."""
        refused = [refusal.message for refusal in self.refusals]
        others: dict[str, list[str]] = {}
        for dataset, why in self.held.items():
            if why not in refused:
                others.setdefault(why, []).append(dataset)
        return (*refused, *(f"{', '.join(datasets)} held back: {why}" for why, datasets in others.items()))


def _is_column(path: str) -> bool:
    return path.startswith("columns.") and path.count(".") == 1
