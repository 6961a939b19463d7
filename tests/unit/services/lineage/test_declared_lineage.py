from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace.contracts.contract import Source
from headrace.contracts.names import LineageName
from headrace.planning.lineage import declared
from headrace.planning.lineage_events import events, run_id, withdrawn
from headrace.planning.lineage_types import metric_tables
from tests.support.lineage_cases import AT, METRIC, METRICS, contracts, metrics, settings
from tests.support.snapshot import as_json, assert_snapshot

SNAPSHOTS = Path(__file__).parent / "snapshots"
SOURCE, SINK, STREAM = (
    "cdc-oltp.oltp.retail.transactions",
    "lake-retail.raw.retail_transactions",
    "stream.retail.cdc.retail.transactions",
)


def test_events_of_one_dataset_are_as_reviewed() -> None:
    ours, where = contracts("campaign_descriptions"), settings()
    jobs = declared(ours, where)
    declared_events = list(events(jobs, plan_version="1", at=AT))
    assert_snapshot(SNAPSHOTS / "campaign_descriptions.events.json", as_json(declared_events))


def test_every_job_that_moves_data_is_declared_dataset_by_dataset() -> None:
    ours = contracts("transactions", "products")
    jobs = {(j.namespace, j.name): j for j in declared(ours, settings(), metrics=metrics())}
    assert set(jobs) == {("spark", "stream.retail.metrics.sales_by_minute")} | {
        job
        for name in ("transactions", "products")
        for job in (
            ("kafka-connect://connect:8083", f"cdc-oltp.oltp.retail.{name}"),
            ("kafka-connect://connect:8083", f"lake-retail.raw.retail_{name}"),
            ("spark", f"stream.retail.cdc.retail.{name}"),
            ("clickhouse://clickhouse:8123", f"retail.{name}"),
        )
    }
    metric = jobs["spark", "stream.retail.metrics.sales_by_minute"]
    assert [d.name.name for d in metric.inputs] == ["oltp.retail.transactions"]
    assert [d.name for d in metric.outputs] == [LineageName("clickhouse://clickhouse:8123", METRIC)]


def test_datasets_are_named_as_the_design_says() -> None:
    ours = contracts("transactions")
    jobs = {job.name: job for job in declared(ours, settings())}
    (source,), (topic,) = jobs[SOURCE].inputs, jobs[SOURCE].outputs
    (raw,) = jobs[SINK].outputs
    assert source.name == ("postgres://postgres:5432", "oltp.retail.transactions")
    assert topic.name == ("kafka://kafka:9092", "oltp.retail.transactions")
    assert raw.name == ("s3://warehouse", "raw/retail_transactions")
    assert raw.symlink == ("iceberg://lake", "raw.retail_transactions")
    state, changes = jobs[STREAM].outputs
    assert state.name == ("clickhouse://clickhouse:8123", "retail.transactions_state")
    assert changes.name == ("clickhouse://clickhouse:8123", "retail.transactions_changes")


def test_every_contract_field_can_be_followed_from_source_to_view() -> None:
    (contract,) = ours = contracts("transactions")
    made = {
        (output.name, column): {(s.dataset, s.field) for s in sources}
        for job in declared(ours, settings())
        for output in job.outputs
        for column, sources in output.sources.items()
    }
    for field in contract.record.fields:
        place = (LineageName("clickhouse://clickhouse:8123", "retail.transactions"), field.name)
        for _ in range(3):  # view ← state ← topic ← source
            (place,) = made[place]
        assert place == (
            LineageName("postgres://postgres:5432", "oltp.retail.transactions"),
            field.name,
        )


def test_planned_tables_bring_their_own_types_and_metadata() -> None:
    ours, where = contracts("transactions"), settings()
    jobs = {job.name: job for job in declared(ours, where)}
    raw = {c.name: c.type for c in jobs[SINK].outputs[0].columns}
    state = {c.name: c.type for c in jobs[STREAM].outputs[0].columns}
    view = [c.name for c in jobs["retail.transactions"].outputs[0].columns]
    assert raw["sales_value"] == "decimal(12, 2)" and raw["_offset"] == "long"
    assert state["sales_value"] == "Decimal(12, 2)" and state["_deleted"] == "UInt8"
    assert view == [field.name for field in ours[0].record.fields]


def test_events_go_to_state_and_changes_and_their_view_reads_the_state() -> None:
    (contract,) = contracts("transactions")
    clicks = replace(contract, id="retail.clicks", name="clicks", source=Source("ingest", changes="append"))
    jobs = {job.name: job for job in declared([clicks], settings())}
    assert not [name for name in jobs if name.startswith("cdc-")]
    tables = [output.name.name for output in jobs["stream.retail.cdc.retail.clicks"].outputs]
    assert tables == ["retail.clicks_state", "retail.clicks_changes"]
    assert jobs["retail.clicks"].inputs[0].name.name == "retail.clicks_state"


def test_observed_locations_win_over_the_default() -> None:
    elsewhere = {"raw.retail_transactions": "s3://other/x/y-123/"}
    jobs = declared(contracts("transactions"), settings(locations=elsewhere))
    raw = next(job for job in jobs if job.name == SINK).outputs[0]
    assert raw.name == ("s3://other", "x/y-123")


def test_run_ids_follow_from_job_and_plan() -> None:
    assert run_id("a", "b", "1") == run_id("a", "b", "1")
    others = {run_id("a", "b", "2"), run_id("a", "c", "1"), run_id("b", "b", "1")}
    assert len(others | {run_id("a", "b", "1")}) == 4


def test_streams_run_and_views_complete_and_each_event_is_complete() -> None:
    jobs = declared(contracts("transactions"), settings())
    declared_events: dict[str, list[dict[str, Any]]] = {}
    for event in events(jobs, plan_version="1", at=AT):
        declared_events.setdefault(event["job"]["name"], []).append(event)
    assert {name: [event["eventType"] for event in each] for name, each in declared_events.items()} == {
        SOURCE: ["START", "RUNNING"],
        SINK: ["START", "RUNNING"],
        STREAM: ["START", "RUNNING"],
        "retail.transactions": ["START", "COMPLETE"],
    }
    for first, second in declared_events.values():
        assert (first["inputs"], first["outputs"]) == (second["inputs"], second["outputs"])
        assert first["inputs"] and first["outputs"]


def test_a_withdrawal_has_only_the_plan() -> None:
    event = withdrawn("spark", "stream.old.cdc", plan_version="2", at=AT + timedelta(1))
    assert event["eventType"] == "COMPLETE" and not event["outputs"]
    assert event["run"]["facets"]["headrace_plan"]["version"] == "2"


def test_unknown_source_connection_is_one_sentence() -> None:
    with pytest.raises(
        ValueError, match=r"retail\.transactions is read from 'oltp', for which the lineage settings have no address"
    ):
        declared(contracts("transactions"), settings(sources={}))


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("retail.transactions.nothing", "has no field 'nothing'"),
        ("retail.nowhere.x", "retail.nowhere, which no contract declares"),
        ("transactions.x", "write domain.dataset.field"),
        ("retail.transactions.store_id:GUESS", "write domain.dataset.field"),
    ],
)
def test_a_metric_that_reads_what_is_not_there_is_refused(reference: str, message: str) -> None:
    document = {METRIC: {**METRICS[METRIC], "columns": {"x": {"from": [reference]}}}}
    with pytest.raises(ValueError, match=message):
        declared(contracts("transactions"), settings(), metrics=metric_tables(document))


def test_a_view_over_metrics_reads_the_tables_that_it_names() -> None:
    views = {
        "metrics.replayed": {"like": METRIC},
        "metrics.sales": {
            "group": "retail",
            "doc": "Sales as they are.",
            "view_of": [METRIC, "metrics.replayed"],
            "columns": {"total": {"from": ["sales:AGGREGATION"]}},
        },
    }
    jobs = {
        job.name: job for job in declared(contracts("transactions"), settings(), metrics=metric_tables(METRICS | views))
    }
    assert jobs["stream.retail.metrics.replayed"].inputs == jobs["stream.retail.metrics.sales_by_minute"].inputs
    view = jobs["metrics.sales"]
    assert [each.name.name for each in view.inputs] == [METRIC, "metrics.replayed"]
    assert [(s.dataset.name, s.field, s.how) for s in view.outputs[0].sources["total"]] == [
        (METRIC, "sales", "AGGREGATION"),
        ("metrics.replayed", "sales", "AGGREGATION"),
    ]
    views["metrics.sales"]["columns"] = {"total": {"from": ["nothing"]}}
    with pytest.raises(
        ValueError, match=r"metric metrics\.sales: no metric table has metrics\.sales_by_minute\.nothing"
    ):
        declared(contracts("transactions"), settings(), metrics=metric_tables(METRICS | views))
