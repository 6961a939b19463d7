"""Report a task's input and output datasets to OpenLineage, with all their facets, at its start and at its end.

Spark's listener would report each branch that a job writes as a job, and each query of a check as a query. The task's
inputs and outputs are known in advance, so the task reports them itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from headrace.contracts.names import LineageName
from headrace.planning.lineage_events import dataset_facets
from headrace.planning.lineage_types import LineageDataset

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage


def operator_lineage(
    read: Iterable[LineageDataset], made: Iterable[LineageDataset], rows: Mapping[LineageName, int] | None = None
) -> OperatorLineage[Any, Any]:
    """Return the task's inputs and outputs; `rows`: number of changed rows of an output, where known."""
    from airflow.providers.openlineage.extractors import OperatorLineage
    from openlineage.client.event_v2 import InputDataset, OutputDataset
    from openlineage.client.facet_v2 import output_statistics_output_dataset as statistics

    counted: dict[LineageName, dict[str, Any]] = {
        name: {"outputStatistics": statistics.OutputStatisticsOutputDatasetFacet(rowCount=count)}
        for name, count in (rows or {}).items()
    }
    return OperatorLineage(
        inputs=[InputDataset(*each.name, facets=_facets(each)) for each in read],
        outputs=[
            OutputDataset(*each.name, facets=_facets(each), outputFacets=counted.get(each.name, {})) for each in made
        ],
    )


def _facets(dataset: LineageDataset) -> dict[str, Any]:
    """Return the facets as JSON data: OpenLineage's client writes them unchanged."""
    return dict(dataset_facets(dataset))
