"""A plan: what to change to bring the observed state to the desired one, in a safe order."""

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
    """Where in the spec: `columns.total`, `columns.total.type`, `config.retention.ms`, …"""
    before: Any = field(hash=False)
    """The observed value; None when there is none."""
    after: Any = field(hash=False)
    """The desired value; None when there is none."""
    breaking: bool
    rule: str
    """Id of the rule that judged it."""
    message: str
    """The fact in words."""
    next_step: str = ""
    """What to do instead; for a breaking difference only."""

    @property
    def column(self) -> str | None:
        """The column that it is about, or None."""
        head, _, rest = self.path.partition(".")
        return rest.partition(".")[0] if head == "columns" else None


@dataclass(frozen=True, slots=True)
class Change:
    """One resource to create, update or delete."""

    action: Action
    resource: Resource
    """The desired resource; for a delete the observed one."""
    observed: Resource | None = None
    """What is there now; None for a create."""
    details: tuple[Detail, ...] = ()
    """What differs; for an update only."""

    @property
    def breaking(self) -> bool:
        """Whether any difference is one that the rules refuse."""
        return any(detail.breaking for detail in self.details)

    @property
    def added_columns(self) -> tuple[str, ...]:
        """Names of the columns that a table lacks, in the table's order."""
        wanted = {d.column for d in self.details if _is_column(d.path) and d.before is None}
        columns = self.resource.spec.get("columns", ())
        return tuple(column["name"] for column in columns if column["name"] in wanted)

    @property
    def altered_columns(self) -> tuple[str, ...]:
        """Names of the columns that a table has, but otherwise, in the table's order."""
        wanted = {d.column for d in self.details if d.column and not _is_column(d.path)}
        columns = self.resource.spec.get("columns", ())
        return tuple(column["name"] for column in columns if column["name"] in wanted)


@dataclass(frozen=True, slots=True)
class Blast:
    """What reads or writes the data that a change is about; every tuple sorted."""

    tables: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    views: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """One breaking change of one field (or of a whole dataset), wherever it showed."""

    datasets: tuple[str, ...]
    about: str
    """`field "x"`, or the path in the spec when it is about no field."""
    rule: str
    resources: tuple[str, ...]
    """`kind name` of each resource in which the difference stands."""
    blast: Blast
    message: str
    """A sentence: the place, the fact, what it hits, the next step."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know that the plan does not act upon."""

    kind: Literal["orphan", "drift"]
    """orphan: there, but no contract wants it. drift: the source has more than the contract."""
    resource: Resource
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes in safe order, and what is held back: a dataset's refusal is no reason to leave the others undone."""

    changes: tuple[Change, ...] = ()
    """What is to be carried out."""
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[Note, ...] = ()
    withheld: tuple[Change, ...] = ()
    """Changes that datasets which are held back would need; those that a rule refuses among them."""
    held: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Dataset id → why its contract is not applied. What runs of it goes on as it was applied last."""
    contracts: tuple[Contract, ...] = field(default=(), repr=False)
    """The contracts that the plan brings about: each as it is wanted, or, held back, as it was applied last."""
    retired: tuple[str, ...] = ()
    """Datasets that were applied and have no contract any more; their tables and rows stay."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do, and nothing that was held back."""
        return not (self.changes or self.refusals or self.held or self.retired)

    @property
    def orphans(self) -> tuple[Resource, ...]:
        """What is there and no contract wants; it is never dropped by a plan."""
        return tuple(note.resource for note in self.notes if note.kind == "orphan")

    @property
    def reasons(self) -> tuple[str, ...]:
        """One sentence for each refusal, and for each other reason for which datasets are held back."""
        refused = [refusal.message for refusal in self.refusals]
        others: dict[str, list[str]] = {}
        for dataset, why in self.held.items():
            if why not in refused:
                others.setdefault(why, []).append(dataset)
        return (*refused, *(f"{', '.join(datasets)} held back: {why}" for why, datasets in others.items()))


def _is_column(path: str) -> bool:
    return path.startswith("columns.") and path.count(".") == 1
