"""Convert OpenLineage events to rows of the stored lineage graph: one row per key, in key order.

Key order matters: writers that lock rows in the same order cannot deadlock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace.services.lineage.received import Dataset, Job, Output, Received, dataset_id


@dataclass(frozen=True, slots=True)
class NodeRow:
    """Row of a job or a dataset. Facets of later events win."""

    id: UUID
    namespace: str
    name: str
    facets: dict[str, Any]
    seen: datetime
    declared_run: UUID | None = None
    """Run of the plan that declares the job; None for datasets."""


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """Row of a job's edge from `input` to `output`; None if the event has only one side."""

    job: UUID
    input: UUID | None
    output: UUID | None
    run: UUID | None
    seen: datetime


@dataclass(frozen=True, slots=True)
class ColumnEdgeRow:
    """Row of a job's edge from `input_field` to `output_field`."""

    job: UUID
    input: UUID
    input_field: str
    output: UUID
    output_field: str
    transformation: str
    run: UUID | None
    seen: datetime


@dataclass(slots=True)
class Rows:
    """Rows of a set of events."""

    jobs: dict[UUID, NodeRow] = field(default_factory=dict)
    datasets: dict[UUID, NodeRow] = field(default_factory=dict)
    edges: dict[tuple[str, str, str], EdgeRow] = field(default_factory=dict)
    column_edges: dict[tuple[str, str, str, str, str], ColumnEdgeRow] = field(default_factory=dict)
    aliases: set[tuple[UUID, UUID]] = field(default_factory=set)
    half_runs: set[UUID] = field(default_factory=set)
    """Runs with an event that has only one side: earlier events may have the other."""


def rows_of(events: Iterable[Received]) -> Rows:
    """Return the rows of the events, sorted by key."""
    rows = Rows()
    for event in sorted(events, key=lambda e: e.time):
        for dataset in event.datasets:
            _merge(rows.datasets, _node(dataset, event))
        rows.aliases.update(event.aliases)
        if event.job is None:
            continue
        run = event.run_id if event.declares else None
        _merge(rows.jobs, _node(event.job, event, run))
        for edge in _edges(event, event.job):
            rows.edges[str(edge.job), str(edge.input), str(edge.output)] = edge
            if event.run_id and (edge.input is None or edge.output is None):
                rows.half_runs.add(event.run_id)
        for link in _column_edges(event, event.job):
            key = (str(link.job), str(link.input), link.input_field)
            rows.column_edges[*key, str(link.output), link.output_field] = link
    rows.jobs = dict(sorted(rows.jobs.items()))
    rows.datasets = dict(sorted(rows.datasets.items()))
    rows.edges = dict(sorted(rows.edges.items()))
    rows.column_edges = dict(sorted(rows.column_edges.items()))
    return rows


def columns_of(rows: Iterable[Any], row_type: type) -> dict[str, list[Any]]:
    """Return the rows as one list per column, for `unnest`."""
    names = [f.name for f in fields(row_type)]
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for row in rows:
        for name in names:
            columns[name].append(getattr(row, name))
    return columns


def _node(named: Dataset | Job, event: Received, declared_run: UUID | None = None) -> NodeRow:
    facets = {k: v for k, v in (named.facets or {}).items() if v and not v.get("_deleted")}
    return NodeRow(named.id, named.namespace, named.name, facets, event.time, declared_run)


def _merge(nodes: dict[UUID, NodeRow], node: NodeRow) -> None:
    old = nodes.get(node.id)
    if old:
        facets = {**old.facets, **node.facets}
        run = node.declared_run or old.declared_run
        node = NodeRow(node.id, node.namespace, node.name, facets, node.seen, run)
    nodes[node.id] = node


def _edges(event: Received, job: Job) -> Iterator[EdgeRow]:
    def edge(source: UUID | None, target: UUID | None) -> EdgeRow:
        return EdgeRow(job.id, source, target, event.run_id, event.time)

    inputs = {dataset.id for dataset in event.inputs}
    mentioned = {source for output in event.outputs for source in _column_inputs(output)}
    if not event.outputs:
        yield from (edge(source, None) for source in inputs)
    for output in event.outputs:
        # Column lineage has the inputs of an output. An input that no output's column
        # lineage mentions may be an input of any of them.
        own = _column_inputs(output)
        sources = own | (inputs - mentioned) if own else inputs
        yield from (edge(source, output.dataset.id) for source in sources or (None,))


def _column_inputs(output: Output) -> set[UUID]:
    return {dataset_id(source.namespace, source.name) for source in output.sources()}


def _column_edges(event: Received, job: Job) -> Iterator[ColumnEdgeRow]:
    for output in event.outputs:
        for column, made in (output.columns.fields if output.columns else {}).items():
            for source in made.inputFields:
                yield ColumnEdgeRow(
                    job=job.id,
                    input=dataset_id(source.namespace, source.name),
                    input_field=source.field,
                    output=output.dataset.id,
                    output_field=column,
                    transformation=source.how,
                    run=event.run_id,
                    seen=event.time,
                )
