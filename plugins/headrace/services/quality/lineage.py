"""Report check outcomes to OpenLineage: the facet dataQualityAssertions of the checked dataset.

Each dataset's checks are a separate job without outputs. As an input of the task that runs the checks, a dataset would
be connected to all other datasets of that task, and a refinement's output would be its own source.
https://openlineage.io/docs/spec/facets/dataset-facets/data-quality-assertions
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from headrace.errors import SystemFailure
from headrace.planning.lineage import AIRFLOW
from headrace.planning.lineage_events import Event, facet, run_events
from headrace.planning.lineage_types import DeclaredJob, JobKind, LineageDataset
from headrace.services.lineage.hook import LineageHook
from headrace.services.quality.outcomes import Outcome

CHECK: Final = JobKind("BATCH", "AIRFLOW", "CHECK", long_lived=False)


class Checked(NamedTuple):
    """Dataset with the outcomes of its checks."""

    dataset: LineageDataset
    outcomes: Sequence[Outcome]

    @property
    def job(self) -> str:
        """Return the job's name: `check.` and the dataset's name, for a lake table its name in the catalog."""
        return f"check.{(self.dataset.symlink or self.dataset.name).name}"


def emit_outcomes(checked: Iterable[Checked], run: str, at: datetime, warn: Callable[..., None]) -> None:
    """Emit the outcomes; `run` identifies the run of the checks. A failure is logged by `warn` and not raised.

    A missing connection to a lineage endpoint is handled the same way.
    """
    from airflow.sdk.exceptions import AirflowNotFoundException

    events = [event for each in checked for event in assertions(each, run, at)]
    if not events:
        return
    try:
        LineageHook.from_connection().emit(events)
    except (SystemFailure, AirflowNotFoundException) as failure:
        warn("check outcomes were not sent to lineage: %s", failure)


def assertions(checked: Checked, run: str, at: datetime) -> Iterator[Event]:
    """Yield the events of one dataset's checks."""
    doc = f"Every check of {checked.job.partition('.')[2]}."
    job = DeclaredJob(AIRFLOW, checked.job, CHECK, doc, (checked.dataset,), ())
    found = facet("DataQualityAssertionsDatasetFacet", assertions=[_assertion(each) for each in checked.outcomes])
    for event in run_events(job, version=run, at=at, declares=False):
        (checked_input,) = event["inputs"]
        yield {**event, "inputs": [{**checked_input, "inputFacets": {"dataQualityAssertions": found}}]}


def _assertion(outcome: Outcome) -> dict[str, Any]:
    assertion = {
        "assertion": outcome.expectation,
        "success": outcome.passed,
        "column": outcome.field,
        "severity": "warn" if outcome.severity == "warning" else outcome.severity,
        "name": outcome.check,
        "actual": outcome.observed or None,
    }
    return {name: value for name, value in assertion.items() if value is not None}
