"""Build OpenLineage run events of the declared jobs, as JSON-serialisable dicts.

A job's run id is derived from its name and the plan's version, so repeated events belong to one run. Long-lived jobs
are START and RUNNING; views are START and COMPLETE, one microsecond apart.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import headrace
from headrace.contracts.names import LineageName
from headrace.planning.lineage_types import (
    DIRECT,
    Column,
    ColumnSource,
    DeclaredJob,
    LineageDataset,
)

PRODUCER: Final = f"urn:headrace:{headrace.__version__}"
PLAN_FACET: Final = "headrace_plan"
"""Run facet: the run declares the whole job and replaces the declarations of earlier runs."""
PLAN_FACET_SCHEMA: Final = "urn:headrace:facet:plan:1"

Event = dict[str, Any]

_RUNS: Final = uuid.UUID("7f0b6c1e-6f0e-5d5c-9a7e-2d1c8f4b3a60")
_SPEC: Final = "https://openlineage.io/spec"
_RUN_EVENT: Final = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACET_VERSIONS: Final = {
    "SchemaDatasetFacet": "1-2-0",
    "ColumnLineageDatasetFacet": "1-2-0",
    "SymlinksDatasetFacet": "1-0-1",
    "DocumentationDatasetFacet": "1-1-0",
    "DatasetTypeDatasetFacet": "1-0-1",
    "OwnershipDatasetFacet": "1-0-1",
    "TagsDatasetFacet": "1-0-0",
    "DataQualityAssertionsDatasetFacet": "1-1-0",
    "DocumentationJobFacet": "1-1-0",
    "JobTypeJobFacet": "2-0-4",
}


def run_id(namespace: str, name: str, plan_version: str) -> str:
    """Return the id of a job's run under a plan. The same plan gives the same id."""
    return str(uuid.uuid5(_RUNS, "\n".join((namespace, name, plan_version))))


def events(jobs: Iterable[DeclaredJob], *, plan_version: str, at: datetime) -> Iterator[Event]:
    """Yield the events that declare the jobs, as of `at` (an aware datetime).

    Each event is complete. Marquez takes the inputs and outputs of a job, and the metadata of a dataset, from the last
    event that names it.
    """
    for job in jobs:
        yield from run_events(job, version=plan_version, at=at, declares=True)


def run_events(job: DeclaredJob, *, version: str, at: datetime, declares: bool) -> Iterator[Event]:
    """Yield the two events of one run.

    `version` identifies the run among the runs of the job. With `declares`, the run declares the whole job.
    """
    run, facets = _run(job.namespace, job.name, version, declares=declares), _job_facets(job)
    flow = {"inputs": list(map(dataset, job.inputs)), "outputs": list(map(dataset, job.outputs))}
    for number, state in enumerate(("START", "RUNNING" if job.kind.long_lived else "COMPLETE")):
        moment = at + timedelta(microseconds=number)
        yield {**_event(state, moment, run, job.namespace, job.name, facets), **flow}


def withdrawn(namespace: str, name: str, *, plan_version: str, at: datetime) -> Event:
    """Return the event that ends a job that the plan no longer declares. Its lineage is removed."""
    return _event("COMPLETE", at, _run(namespace, name, plan_version, declares=True), namespace, name, {})


def _event(state: str, at: datetime, run: Event, namespace: str, name: str, facets: Event) -> Event:
    return {
        "eventType": state,
        "eventTime": at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "producer": PRODUCER,
        "schemaURL": _RUN_EVENT,
        "run": run,
        "job": {"namespace": namespace, "name": name, "facets": facets},
        "inputs": [],
        "outputs": [],
    }


def _run(namespace: str, name: str, version: str, *, declares: bool) -> Event:
    plan = {"_producer": PRODUCER, "_schemaURL": PLAN_FACET_SCHEMA, "version": version}
    return {"runId": run_id(namespace, name, version), "facets": {PLAN_FACET: plan} if declares else {}}


def _job_facets(job: DeclaredJob) -> Event:
    return {
        "jobType": facet(
            "JobTypeJobFacet",
            processingType=job.kind.processing,
            integration=job.kind.integration,
            jobType=job.kind.type,
        ),
        "documentation": facet("DocumentationJobFacet", description=job.doc),
    }


def dataset(named: LineageDataset) -> Event:
    """Return a dataset with all its facets."""
    return {**named.name._asdict(), "facets": dict(dataset_facets(named))}


def dataset_facets(dataset: LineageDataset) -> Iterator[tuple[str, Event]]:
    """Yield the facets of a dataset."""
    yield "datasetType", facet("DatasetTypeDatasetFacet", datasetType=dataset.kind)
    if dataset.columns:
        columns = [_column(column) for column in dataset.columns]
        yield "schema", facet("SchemaDatasetFacet", fields=columns)
    if dataset.doc:
        yield "documentation", facet("DocumentationDatasetFacet", description=dataset.doc)
    if dataset.owner:
        owner = {"name": f"team:{dataset.owner}", "type": "OWNER"}
        yield "ownership", facet("OwnershipDatasetFacet", owners=[owner])
    if dataset.tags:
        tags = [
            {"key": "classification", "value": value, "source": "HEADRACE", "field": column}
            for column, value in dataset.tags
        ]
        yield "tags", facet("TagsDatasetFacet", tags=tags)
    if dataset.symlink:
        alias = {**dataset.symlink._asdict(), "type": "TABLE"}
        yield "symlinks", facet("SymlinksDatasetFacet", identifiers=[alias])
    if dataset.sources or dataset.row_sources:
        yield "columnLineage", _column_lineage(dataset)


def _column_lineage(dataset: LineageDataset) -> Event:
    fields = {
        column: {"inputFields": [_source(source) for source in sources]} for column, sources in dataset.sources.items()
    }
    return facet(
        "ColumnLineageDatasetFacet",
        fields=fields,
        dataset=[_source(source) for source in dataset.row_sources],
    )


def _source(source: ColumnSource[LineageName]) -> Event:
    kind = "DIRECT" if source.how in DIRECT else "INDIRECT"
    return {
        **source.dataset._asdict(),
        "field": source.field,
        "transformations": [{"type": kind, "subtype": source.how, **({"masking": True} if source.masked else {})}],
    }


def _column(column: Column) -> Event:
    described = {"type": column.type, "description": column.doc}
    nested = {"fields": [_column(inner) for inner in column.fields]} if column.fields else {}
    return {"name": column.name, **{k: v for k, v in described.items() if v}, **nested}


def facet(kind: str, **content: Any) -> Event:
    """Return an OpenLineage facet, by the name of its schema."""
    schema = f"{_SPEC}/facets/{_FACET_VERSIONS[kind]}/{kind}.json#/$defs/{kind}"
    return {"_producer": PRODUCER, "_schemaURL": schema, **content}
