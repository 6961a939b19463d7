"""The declared events are what OpenLineage's own classes describe, to the last key."""

from __future__ import annotations

from typing import Any

import attr
from openlineage.client import event_v2, facet_v2

from headrace.planning.lineage import declared
from headrace.planning.lineage_events import PLAN_FACET, events
from tests.support.lineage_cases import AT, contracts, metrics, settings

FACETS = {
    "schema": facet_v2.schema_dataset.SchemaDatasetFacet,
    "columnLineage": facet_v2.column_lineage_dataset.ColumnLineageDatasetFacet,
    "symlinks": facet_v2.symlinks_dataset.SymlinksDatasetFacet,
    "ownership": facet_v2.ownership_dataset.OwnershipDatasetFacet,
    "tags": facet_v2.tags_dataset.TagsDatasetFacet,
    "datasetType": facet_v2.dataset_type_dataset.DatasetTypeDatasetFacet,
    "jobType": facet_v2.job_type_job.JobTypeJobFacet,
}
DOCUMENTATION = {
    "job": facet_v2.documentation_job.DocumentationJobFacet,
    "dataset": facet_v2.documentation_dataset.DocumentationDatasetFacet,
}
PARTS = {
    "SchemaDatasetFacet.fields": [facet_v2.schema_dataset.SchemaDatasetFacetFields],
    "SchemaDatasetFacetFields.fields": [facet_v2.schema_dataset.SchemaDatasetFacetFields],
    "ColumnLineageDatasetFacet.fields": {"": facet_v2.column_lineage_dataset.Fields},
    "ColumnLineageDatasetFacet.dataset": [facet_v2.column_lineage_dataset.InputField],
    "Fields.inputFields": [facet_v2.column_lineage_dataset.InputField],
    "InputField.transformations": [facet_v2.column_lineage_dataset.Transformation],
    "SymlinksDatasetFacet.identifiers": [facet_v2.symlinks_dataset.Identifier],
    "OwnershipDatasetFacet.owners": [facet_v2.ownership_dataset.Owner],
    "TagsDatasetFacet.tags": [facet_v2.tags_dataset.TagsDatasetFacetFields],
}


def build(kind: type, value: dict[str, Any]) -> Any:
    """An instance of OpenLineage's class; TypeError for a key it has not, or one it misses."""
    given = {}
    for key, content in value.items():
        if key == "_schemaURL":
            continue
        part = PARTS.get(f"{kind.__name__}.{key}")
        if isinstance(part, list):
            content = [build(part[0], item) for item in content]
        elif isinstance(part, dict):
            content = {name: build(part[""], item) for name, item in content.items()}
        given[key.lstrip("_")] = content
    return kind(**given)


def facets(of: str, value: dict[str, Any]) -> dict[str, Any]:
    built = {}
    for name, facet in value.items():
        kind = DOCUMENTATION[of] if name == "documentation" else FACETS[name]
        built[name] = build(kind, facet)
        assert facet["_schemaURL"] == kind._get_schema()
    return built


def parse(event: dict[str, Any]) -> event_v2.RunEvent:
    run, job = event["run"], event["job"]
    assert set(run["facets"]) == {PLAN_FACET}
    assert event["schemaURL"] == event_v2.RunEvent._get_schema()
    return event_v2.RunEvent(
        eventType=event_v2.RunState(event["eventType"]),
        eventTime=event["eventTime"],
        producer=event["producer"],
        run=event_v2.Run(run["runId"]),
        job=event_v2.Job(job["namespace"], job["name"], facets("job", job["facets"])),
        inputs=[
            event_v2.InputDataset(d["namespace"], d["name"], facets=facets("dataset", d["facets"]))
            for d in event["inputs"]
        ],
        outputs=[
            event_v2.OutputDataset(d["namespace"], d["name"], facets=facets("dataset", d["facets"]))
            for d in event["outputs"]
        ],
    )


def test_openlineage_reads_every_declared_event() -> None:
    ours, where = contracts(), settings()
    jobs = declared(ours, where, metrics())
    parsed = [parse(event) for event in events(jobs, plan_version="1", at=AT)]
    assert {e.job.name for e in parsed} == {job.name for job in jobs}
    seen = {name for e in parsed for d in (*e.inputs, *e.outputs) for name in d.facets}
    assert seen == {*FACETS, "documentation"} - {"jobType"}


def test_the_check_itself_finds_a_wrong_key() -> None:
    ours = contracts("transactions")
    event = list(events(declared(ours, settings()), plan_version="1", at=AT))[1]
    field = event["outputs"][0]["facets"]["schema"]["fields"][0]
    field["colour"] = "red"
    try:
        parse(event)
    except TypeError as error:
        assert "colour" in str(error)
    else:
        raise AssertionError("a key that OpenLineage does not know went through")
    assert "colour" not in {a.name for a in attr.fields(PARTS["SchemaDatasetFacet.fields"][0])}
