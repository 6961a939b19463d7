"""What checks found, as OpenLineage says it: the facet dataQualityAssertions of the dataset that was asked.

https://openlineage.io/docs/spec/facets/dataset-facets/data-quality-assertions
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from headrace.contracts.names import LineageName
from headrace.systems.lineage.places import symlinks
from headrace.systems.quality.outcomes import Outcome

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from openlineage.client.event_v2 import InputDataset
    from openlineage.client.generated.data_quality_assertions_dataset import Assertion


class Checked(NamedTuple):
    """A dataset under its OpenLineage name, and what was found of it."""

    name: LineageName
    symlink: LineageName | None
    outcomes: Sequence[Outcome]


def assertions(checked: Iterable[Checked]) -> OperatorLineage[Any, Any]:
    """The datasets as inputs of the task, each with its assertions."""
    from airflow.providers.openlineage.extractors import OperatorLineage

    return OperatorLineage(inputs=[_dataset(each) for each in checked])


def _dataset(checked: Checked) -> InputDataset:
    from openlineage.client.event_v2 import InputDataset
    from openlineage.client.facet_v2 import data_quality_assertions_dataset as quality

    facet = quality.DataQualityAssertionsDatasetFacet(assertions=[_assertion(o) for o in checked.outcomes])
    facets: dict[str, Any] = {"symlinks": symlinks(checked.symlink)} if checked.symlink else {}
    return InputDataset(*checked.name, facets=facets, inputFacets={"dataQualityAssertions": facet})


def _assertion(outcome: Outcome) -> Assertion:
    from openlineage.client.facet_v2 import data_quality_assertions_dataset as quality

    return quality.Assertion(
        assertion=outcome.expectation,
        success=outcome.passed,
        column=outcome.field,
        severity="warn" if outcome.severity == "warning" else outcome.severity,
        name=outcome.check,
        actual=outcome.observed or None,
    )
