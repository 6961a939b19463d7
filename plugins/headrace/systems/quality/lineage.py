"""What checks found, as OpenLineage says it: the facet dataQualityAssertions of the dataset that was asked.

https://openlineage.io/docs/spec/facets/dataset-facets/data-quality-assertions
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from headrace.contracts.names import LAKE_CATALOG, LineageName, clickhouse_lineage, lake_lineage, lake_symlink
from headrace.systems.endpoint import Endpoint
from headrace.systems.quality.outcomes import Outcome

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from openlineage.client.event_v2 import InputDataset
    from openlineage.client.generated.data_quality_assertions_dataset import Assertion

CLICKHOUSE_HTTP_PORT = 8123


class Checked(NamedTuple):
    """A dataset under its OpenLineage name, and what was found of it."""

    name: LineageName
    symlink: LineageName | None
    outcomes: Sequence[Outcome]


def cleaned_names(dataset: str, warehouse: str) -> tuple[LineageName, LineageName]:
    """The cleaned table's name by its location under `warehouse`, and by the catalog."""
    table = f"cleaned.{dataset.replace('.', '_')}"
    location = f"{warehouse.rstrip('/')}/{table.replace('.', '/', 1)}"
    return lake_lineage(location), lake_symlink(f"iceberg://{LAKE_CATALOG}", table)


def served_name(dataset: str, warehouse: Endpoint) -> LineageName:
    """The served view's name."""
    return clickhouse_lineage(warehouse.host, warehouse.port or CLICKHOUSE_HTTP_PORT, dataset)


def assertions(checked: Iterable[Checked]) -> OperatorLineage[Any, Any]:
    """The datasets as inputs of the task, each with its assertions."""
    from airflow.providers.openlineage.extractors import OperatorLineage

    return OperatorLineage(inputs=[_dataset(each) for each in checked])


def _dataset(checked: Checked) -> InputDataset:
    from openlineage.client.event_v2 import InputDataset
    from openlineage.client.facet_v2 import data_quality_assertions_dataset as quality
    from openlineage.client.facet_v2 import symlinks_dataset

    facet = quality.DataQualityAssertionsDatasetFacet(assertions=[_assertion(o) for o in checked.outcomes])
    facets: dict[str, Any] = {}
    if checked.symlink:
        alias = symlinks_dataset.Identifier(*checked.symlink, "TABLE")
        facets["symlinks"] = symlinks_dataset.SymlinksDatasetFacet(identifiers=[alias])
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
