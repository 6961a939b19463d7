"""What Marquez makes of OpenLineage events: a model of its rules, as its code has them (0.51, `OpenLineageDao.java`,
`JobVersionDao.java`, `DatasetSymlinkDao.java` of https://github.com/MarquezProject/marquez).

- An event without inputs makes those of its job obsolete, and likewise its outputs; but not at the end of a streaming job.
- A streaming job has its datasets by its versions: a set of datasets that it had before is no new version, and does not bring
  back what was made obsolete. A batch job has them by its run, when that ends.
- The first that uses a name owns it: a symlink to a name that another dataset has changes nothing.
- A description is that of the last event that names the dataset, be it none.
- Column lineage stands with a version of its output, one a run; it needs the output's schema in the same event, and only
  takes fields that the inputs of the run are known to have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import psycopg

Name: TypeAlias = tuple[str, str]
"""Namespace and name."""
Place: TypeAlias = tuple[int, str]
"""Dataset and column."""

DONE = {"COMPLETE", "FAIL", "ABORT"}


@dataclass
class Dataset:
    """One dataset, whatever its names are."""

    name: Name
    description: str = ""
    facets: dict[str, Any] = field(default_factory=dict)
    fields: frozenset[str] = frozenset()
    """Of its current version."""
    made_from: dict[str, set[Place]] = field(default_factory=dict)
    """Of its current version: column → what it is made from."""
    version: tuple[str, frozenset[str]] = ("", frozenset())


@dataclass
class Job:
    """One job: what it reads and writes now."""

    inputs: set[int] = field(default_factory=set)
    outputs: set[int] = field(default_factory=set)
    state: str = ""
    versions: set[tuple[frozenset[int], frozenset[int]]] = field(default_factory=set)


@dataclass
class Run:
    """One run: all that its events read and wrote."""

    inputs: set[int] = field(default_factory=set)
    outputs: set[int] = field(default_factory=set)


class Marquez:
    """Receives events in their order."""

    def __init__(self) -> None:
        self.datasets: list[Dataset] = []
        self.jobs: dict[Name, Job] = {}
        self.discarded: list[str] = []
        """Column lineage that is lost, and why."""
        self._names: dict[Name, int] = {}
        self._runs: dict[str, Run] = {}

    def receive(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Take run events."""
        for event in events:
            self._take(event)

    def dataset(self, name: Name) -> Dataset:
        """Raises KeyError."""
        return self.datasets[self._names[name]]

    def upstream(self, name: Name) -> set[Name]:
        """Every dataset from which something flows into this one."""
        sources: dict[int, set[int]] = {}
        for job in self.jobs.values():
            for output in job.outputs:
                sources.setdefault(output, set()).update(job.inputs)
        return {self.datasets[each].name for each in _reached(self._names[name], sources) - {self._names[name]}}

    def around(self, name: Name) -> set[Name]:
        """Every dataset of the graph that Marquez draws of this one: it follows edges both ways, from each node again."""
        beside: dict[int, set[int]] = {}
        for job in self.jobs.values():
            touched = job.inputs | job.outputs
            for each in touched:
                beside.setdefault(each, set()).update(touched)
        return {self.datasets[each].name for each in _reached(self._names[name], beside)}

    def column_origins(self, name: Name, column: str) -> set[tuple[Name, str]]:
        """The columns from which this one is made and which themselves are made from none."""
        start, ends, seen = (self._names[name], column), set[Place](), set[Place]()
        waiting = [start]
        while waiting:
            place = waiting.pop()
            if place in seen:
                continue
            seen.add(place)
            found = self.datasets[place[0]].made_from.get(place[1], set())
            waiting += found
            if not found:
                ends.add(place)
        return {(self.datasets[each].name, column) for each, column in ends}

    def _take(self, event: Mapping[str, Any]) -> None:
        about, state = event["job"], event["eventType"]
        streaming = about.get("facets", {}).get("jobType", {}).get("processingType") == "STREAMING"
        job = self.jobs.setdefault((about["namespace"], about["name"]), Job())
        run = self._runs.setdefault(event["run"]["runId"], Run())
        job.state = state
        read, written = event.get("inputs") or [], event.get("outputs") or []
        ends_silently = streaming and state in DONE and not read and not written
        for dataset in read:
            run.inputs.add(self._upsert(dataset, written=False, run=event["run"]["runId"]))
        for dataset in written:
            number = self._upsert(dataset, written=True, run=event["run"]["runId"])
            run.outputs.add(number)
            self._columns(number, dataset, run)
        if not ends_silently:
            job.inputs = job.inputs if read else set()
            job.outputs = job.outputs if written else set()
        version = frozenset(run.inputs), frozenset(run.outputs)
        is_new = version not in job.versions
        if (streaming and is_new and not ends_silently) or (not streaming and state in DONE):
            job.versions.add(version)
            # A dataset that is linked makes those of other versions obsolete; none is linked, none is obsolete.
            job.inputs = set(run.inputs) or job.inputs
            job.outputs = set(run.outputs) or job.outputs

    def _upsert(self, dataset: Mapping[str, Any], *, written: bool, run: str) -> int:
        name, facets = (dataset["namespace"], dataset["name"]), dataset.get("facets") or {}
        if name not in self._names:
            self._names[name] = len(self.datasets)
            self.datasets.append(Dataset(name))
        number = self._names[name]
        for alias in facets.get("symlinks", {}).get("identifiers", ()):
            self._names.setdefault((alias["namespace"], alias["name"]), number)
        found = self.datasets[number]
        found.description = facets.get("documentation", {}).get("description", "")
        found.facets |= facets
        fields = frozenset(each["name"] for each in facets.get("schema", {}).get("fields", ()))
        if written and found.version != (run, fields):
            found.version, found.fields, found.made_from = (run, fields), fields, {}
        elif not written:
            found.fields |= fields
        return number

    def _columns(self, number: int, dataset: Mapping[str, Any], run: Run) -> None:
        found = self.datasets[number]
        lineage = (dataset.get("facets") or {}).get("columnLineage", {}).get("fields", {})
        for column, made in lineage.items():
            if column not in found.fields:
                self.discarded.append(f"{found.name}.{column}: the event has no schema with it")
                continue
            for source in made["inputFields"]:
                origin = self._names.get((source["namespace"], source["name"]))
                # Marquez compares the name under which the input stands, not its symlinks.
                named = origin is not None and self.datasets[origin].name == (source["namespace"], source["name"])
                if (
                    origin is None
                    or not named
                    or origin not in run.inputs
                    or source["field"] not in self.datasets[origin].fields
                ):
                    self.discarded.append(
                        f"{found.name}.{column}: {source['name']}.{source['field']} is no field of an input"
                    )
                    continue
                found.made_from.setdefault(column, set()).add((origin, source["field"]))


def replayed(dsn: str) -> Marquez:
    """Marquez after every run event that the platform has stored, in the order of their arrival."""
    marquez = Marquez()
    with psycopg.connect(dsn) as connection:
        stored = connection.execute("SELECT payload FROM lineage.events WHERE kind = 'run' ORDER BY sequence")
        marquez.receive(payload for (payload,) in stored)
    return marquez


def _reached(start: int, sources: Mapping[int, set[int]]) -> set[int]:
    return set(_walk(start, sources))


def _walk(start: int, sources: Mapping[int, set[int]]) -> Iterator[int]:
    seen, waiting = set[int](), [start]
    while waiting:
        each = waiting.pop()
        if each not in seen:
            seen.add(each)
            yield each
            waiting += sources.get(each, set())
