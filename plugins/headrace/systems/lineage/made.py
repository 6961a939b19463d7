"""What a job has made of the lake's tables, as OpenLineage says it: from which, column by column, and how many rows.

Spark's listener takes each branch that a job writes for a job of its own, and each question of a check for a query; what
a job reads and makes is known, so it is told by the task.
https://openlineage.io/docs/spec/facets/dataset-facets/column_lineage_facet
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.planning.marts import Origin
from headrace.systems.lineage.places import symlinks, table_names

if TYPE_CHECKING:
    from openlineage.client.event_v2 import InputDataset, OutputDataset
    from openlineage.client.generated.column_lineage_dataset import ColumnLineageDatasetFacet


class Made(NamedTuple):
    """One table that a job writes."""

    table: str
    """`zone.name`."""
    origins: Mapping[str, Sequence[Origin]] = {}
    """Column → the fields that it is made of."""
    masked: frozenset[str] = frozenset()
    """Columns that hide what they are made of."""
    copied: bool = False
    """Whether values are taken over as they are, save those that are masked."""


def refined(contract: Contract) -> tuple[Made, ...]:
    """What refinement makes of the raw table."""
    raw = names.raw_table(contract)
    copies = {field.name: ((raw, field.name),) for field in contract.record.fields}
    return tuple(
        Made(
            names.lake_table(contract, zone),
            {} if zone == "quarantine" else copies,
            frozenset(contract.tokenised),
            True,
        )
        for zone in contract.zones
        if zone != "raw"
    )


def inputs(tables: Iterable[str], warehouse: str) -> list[InputDataset]:
    """The tables as inputs of the task."""
    from openlineage.client.event_v2 import InputDataset

    return [InputDataset(*table_names(table, warehouse)[0]) for table in tables]


def outputs(made: Iterable[Made], warehouse: str, changed: Mapping[str, Mapping[str, int]]) -> list[OutputDataset]:
    """The tables as outputs of the task, each with how many of its rows were changed (`changed`: zone → kind → rows)."""
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import output_statistics_output_dataset as statistics

    found = []
    for each in made:
        name, symlink = table_names(each.table, warehouse)
        rows = sum(changed.get(each.table.partition(".")[0], {}).values())
        facets: dict[str, Any] = {"symlinks": symlinks(symlink)}
        if each.origins:
            facets["columnLineage"] = _columns(each, warehouse)
        counted = statistics.OutputStatisticsOutputDatasetFacet(rowCount=rows)
        found.append(OutputDataset(*name, facets=facets, outputFacets={"outputStatistics": counted}))
    return found


def _columns(made: Made, warehouse: str) -> ColumnLineageDatasetFacet:
    from openlineage.client.facet_v2 import column_lineage_dataset as columns

    def taken(column: str, origin: Origin) -> columns.InputField:
        masked = column in made.masked
        how = "IDENTITY" if made.copied and not masked else "TRANSFORMATION"
        transformation = columns.Transformation("DIRECT", how, masking=masked)
        return columns.InputField(*table_names(origin[0], warehouse)[0], origin[1], transformations=[transformation])

    fields = {
        column: columns.Fields(inputFields=[taken(column, origin) for origin in origins])
        for column, origins in made.origins.items()
        if origins
    }
    return columns.ColumnLineageDatasetFacet(fields=fields)
