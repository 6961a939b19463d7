"""Validate received OpenLineage events, and reduce them to what the store needs.

Only the parts that the store reads are validated, and strictly: names, times, ids, column lineage, symlinks.
Every other facet is stored unchanged.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Final, Literal

import msgspec

from headrace.planning.lineage_events import PLAN_FACET

_IDS: Final = uuid.UUID("c2a1d7b4-5f0e-5b63-8f53-6d0f3b1f7a11")

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Facets = dict[str, dict[str, Any] | None]


class EventInvalid(ValueError):
    """Raised for an event that violates the specification; the message has problem and place (`$.job.name`)."""


class InputField(msgspec.Struct, frozen=True):
    """Input field of an output column."""

    namespace: Name
    name: Name
    field: Name
    transformations: list[dict[str, Any]] | None = None

    @property
    def how(self) -> str:
        """Return `TYPE:SUBTYPE` of its first transformation, or ""."""
        first = self.transformations[0] if self.transformations else {}
        return ":".join(str(part) for part in (first.get("type"), first.get("subtype")) if part)


class OutputColumn(msgspec.Struct, frozen=True):
    inputFields: list[InputField] = []


class ColumnLineage(msgspec.Struct, frozen=True):
    fields: dict[Name, OutputColumn] = {}
    dataset: list[InputField] | None = None


class Identifier(msgspec.Struct, frozen=True):
    namespace: Name
    name: Name


class Symlinks(msgspec.Struct, frozen=True):
    identifiers: list[Identifier] | None = None


class Dataset(msgspec.Struct, frozen=True):
    """Dataset of an event, with its facets."""

    namespace: Name
    name: Name
    facets: Facets | None = None

    @property
    def id(self) -> uuid.UUID:
        return dataset_id(self.namespace, self.name)


class Job(msgspec.Struct, frozen=True):
    """Job of an event."""

    namespace: Name
    name: Name
    facets: Facets | None = None

    @property
    def id(self) -> uuid.UUID:
        return uuid.uuid5(_IDS, f"job\n{self.namespace}\n{self.name}")


class Run(msgspec.Struct, frozen=True):
    runId: uuid.UUID
    facets: Facets | None = None


class RunEvent(msgspec.Struct, frozen=True):
    eventTime: Instant
    run: Run
    job: Job
    eventType: Literal["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"] | None = None
    inputs: list[Dataset] | None = None
    outputs: list[Dataset] | None = None


class JobEvent(msgspec.Struct, frozen=True):
    eventTime: Instant
    job: Job
    inputs: list[Dataset] | None = None
    outputs: list[Dataset] | None = None


class DatasetEvent(msgspec.Struct, frozen=True):
    eventTime: Instant
    dataset: Dataset


@dataclass(frozen=True, slots=True)
class Output:
    """Output with its column lineage, if any."""

    dataset: Dataset
    columns: ColumnLineage | None = None

    def sources(self) -> Iterator[InputField]:
        """Yield every field that the output is derived from."""
        if self.columns:
            for column in self.columns.fields.values():
                yield from column.inputFields
            yield from self.columns.dataset or ()


@dataclass(frozen=True, slots=True)
class Received:
    """Validated event. Two events with the same id are the same event."""

    id: uuid.UUID
    kind: Literal["run", "job", "dataset"]
    type: str
    time: datetime
    payload: Mapping[str, Any] = field(repr=False)
    run_id: uuid.UUID | None = None
    job: Job | None = None
    inputs: tuple[Dataset, ...] = ()
    outputs: tuple[Output, ...] = ()
    datasets: tuple[Dataset, ...] = ()
    """All datasets of the event, with those of its column lineage and its symlinks."""
    aliases: tuple[tuple[uuid.UUID, uuid.UUID], ...] = ()
    """Pairs of a dataset and another name of it."""
    declares: bool = False
    """Whether the event comes from a plan, which declares the whole job."""


@lru_cache(maxsize=50_000)
def dataset_id(namespace: str, name: str) -> uuid.UUID:
    """Return the store's id of a dataset."""
    return uuid.uuid5(_IDS, f"dataset\n{namespace}\n{name}")


def receive(payload: Any) -> Received:
    """Return the event of decoded JSON.

    Raises:
        EventInvalid: the JSON is not a valid event.
    """
    if not isinstance(payload, dict):
        raise EventInvalid(f"an event must be a JSON object; got {type(payload).__name__}")
    try:
        if "run" in payload:
            return _run_event(payload, msgspec.convert(payload, RunEvent))
        if "job" in payload:
            return _job_event(payload, msgspec.convert(payload, JobEvent))
        if "dataset" in payload:
            return _dataset_event(payload, msgspec.convert(payload, DatasetEvent))
    except msgspec.ValidationError as error:
        raise EventInvalid(str(error)) from error
    raise EventInvalid("an event must have `run` and `job`, or `job`, or `dataset`; got none of them")


def _run_event(payload: Mapping[str, Any], event: RunEvent) -> Received:
    kind = event.eventType or "OTHER"
    return _with_datasets(
        Received(
            id=_event_id("run", event.run.runId, kind, event.eventTime, event.job.id),
            kind="run",
            type=kind,
            time=event.eventTime,
            payload=payload,
            run_id=event.run.runId,
            job=event.job,
            declares=PLAN_FACET in (event.run.facets or {}),
        ),
        event.inputs,
        event.outputs,
    )


def _job_event(payload: Mapping[str, Any], event: JobEvent) -> Received:
    return _with_datasets(
        Received(
            id=_event_id("job", event.eventTime, event.job.id),
            kind="job",
            type="JOB",
            time=event.eventTime,
            payload=payload,
            job=event.job,
        ),
        event.inputs,
        event.outputs,
    )


def _dataset_event(payload: Mapping[str, Any], event: DatasetEvent) -> Received:
    return _with_datasets(
        Received(
            id=_event_id("dataset", event.eventTime, event.dataset.id),
            kind="dataset",
            type="DATASET",
            time=event.eventTime,
            payload=payload,
        ),
        [event.dataset],
        [],
    )


def _with_datasets(event: Received, inputs: list[Dataset] | None, outputs: list[Dataset] | None) -> Received:
    read, written = inputs or [], [_output(d, i) for i, d in enumerate(outputs or [])]
    datasets = [*read, *(output.dataset for output in written)]
    aliases = []
    for dataset in tuple(datasets):
        for other in _symlinks(dataset):
            alias = Dataset(other.namespace, other.name)
            datasets.append(alias)
            aliases.append((dataset.id, alias.id))
    for output in written:
        datasets.extend(Dataset(s.namespace, s.name) for s in output.sources())
    return replace(
        event,
        inputs=tuple(read) if event.job else (),
        outputs=tuple(written),
        datasets=tuple(datasets),
        aliases=tuple(pair for pair in aliases if pair[0] != pair[1]),
    )


def _output(dataset: Dataset, index: int) -> Output:
    facet = (dataset.facets or {}).get("columnLineage")
    if not facet or facet.get("_deleted"):
        return Output(dataset)
    try:
        return Output(dataset, msgspec.convert(facet, ColumnLineage))
    except msgspec.ValidationError as error:
        raise EventInvalid(f"$.outputs[{index}].facets.columnLineage: {error}") from error


def _symlinks(dataset: Dataset) -> list[Identifier]:
    facet = (dataset.facets or {}).get("symlinks")
    if not facet:
        return []
    try:
        return msgspec.convert(facet, Symlinks).identifiers or []
    except msgspec.ValidationError as error:
        raise EventInvalid(f"symlinks of {dataset.name}: {error}") from error


def _event_id(*parts: object) -> uuid.UUID:
    # The same instant in another time zone is the same event.
    texts = (p.astimezone(UTC).isoformat() if isinstance(p, datetime) else str(p) for p in parts)
    return uuid.uuid5(_IDS, "event\n" + "\n".join(texts))
