"""What a task tells OpenLineage of the datasets that it reads and makes: all that is known of them, each time.

Spark's listener takes each branch that a job writes for a job of its own, and each question of a check for a query; what
a job reads and makes is known, so it is told by the task, at its start and at its end alike.
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
    """The task's inputs and outputs; `rows`: how many of an output's rows were changed, where that is known."""
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
    """As JSON has them: OpenLineage's client writes them as they are."""
    return dict(dataset_facets(dataset))
