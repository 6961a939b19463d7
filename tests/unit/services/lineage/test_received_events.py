from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from headrace.services.lineage.received import EventInvalid, dataset_id, receive
from headrace.services.lineage.rows import rows_of
from tests.support.lineage_cases import dataset, made_from, run_event

A, B, C, D = (dataset("ns", name) for name in "abcd")


def ids(*names: str) -> set[Any]:
    return {dataset_id("ns", name) for name in names}


def pairs(*events: dict[str, Any]) -> set[tuple[Any, Any]]:
    return {(e.input, e.output) for e in rows_of(receive(x) for x in events).edges.values()}


def pair(source: str, target: str) -> tuple[Any, Any]:
    return dataset_id("ns", source), dataset_id("ns", target)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("eventTime",), None, "eventTime"),
        (("eventTime",), "2026-11-23T12:00:00", "eventTime"),
        (("eventTime",), "yesterday", "eventTime"),
        (("eventType",), "STARTED", "eventType"),
        (("run", "runId"), "42", "run.runId"),
        (("run",), None, "run"),
        (("job", "name"), "", "job.name"),
        (("job", "namespace"), 7, "job.namespace"),
        (("inputs",), {}, "inputs"),
        (("outputs", 0, "name"), None, r"outputs\[0\].name"),
        (("outputs", 0, "facets"), [], "facets"),
        (("outputs", 0, "facets", "columnLineage"), {"fields": []}, "columnLineage"),
        (("outputs", 0, "facets", "symlinks"), {"identifiers": [{}]}, "symlinks of b"),
    ],
)
def test_an_invalid_event_is_refused_with_the_place_of_the_fault(
    path: tuple[Any, ...], value: Any, message: str
) -> None:
    event = deepcopy(run_event("job", inputs=[A], outputs=[B]))
    receive(event)
    target = event
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    with pytest.raises(EventInvalid, match=message):
        receive(event)


@pytest.mark.parametrize("event", [None, [], "x", 3, {}, {"eventTime": "2026-01-01T00:00:00Z"}])
def test_what_is_no_event_is_refused(event: Any) -> None:
    with pytest.raises(EventInvalid, match="an event"):
        receive(event)


def test_the_same_instant_in_another_zone_is_the_same_event() -> None:
    event = run_event("job")
    other = {**event, "eventTime": "2026-11-23T13:00:00+01:00"}
    assert event["eventTime"] != other["eventTime"]
    assert receive(event).id == receive(other).id
    changed = (
        {**event, "eventType": "FAIL"},
        {**event, "eventTime": "2026-11-23T12:00:00.000001Z"},
        run_event("job", run="2"),
        run_event("other"),
    )
    assert len({receive(e).id for e in (event, *changed)}) == 5


def test_job_and_dataset_events_are_events_too() -> None:
    event = run_event("job", inputs=[A], outputs=[B])
    job = {key: event[key] for key in ("eventTime", "job", "inputs", "outputs")}
    assert receive(job).kind == "job" and pairs(job) == {pair("a", "b")}
    alone = receive({"eventTime": event["eventTime"], "dataset": A})
    assert alone.kind == "dataset" and {d.id for d in alone.datasets} == ids("a")


def test_without_column_lineage_everything_read_goes_into_everything_written() -> None:
    event = run_event("job", inputs=[A, B], outputs=[C, D])
    assert pairs(event) == {pair(i, o) for i in "ab" for o in "cd"}


def test_column_lineage_says_which_input_goes_where() -> None:
    c = dataset("ns", "c", columnLineage=made_from(x=[("ns", "a", "x")]))
    d = dataset("ns", "d", columnLineage=made_from(y=[("ns", "b", "y"), ("ns", "b", "z")]))
    event = run_event("job", inputs=[A, B], outputs=[c, d])
    assert pairs(event) == {pair("a", "c"), pair("b", "d")}
    columns = rows_of([receive(event)]).column_edges.values()
    assert {(e.input_field, e.output_field) for e in columns} == {
        ("x", "x"),
        ("y", "y"),
        ("z", "y"),
    }


def test_an_input_that_no_column_mentions_may_have_gone_anywhere() -> None:
    c = dataset("ns", "c", columnLineage=made_from(x=[("ns", "a", "x")]))
    assert pairs(run_event("job", inputs=[A, B], outputs=[c, D])) == {
        pair("a", "c"), pair("b", "c"), pair("a", "d"), pair("b", "d"),
    }  # fmt: skip


def test_reading_or_writing_alone_is_half_an_edge() -> None:
    assert pairs(run_event("job", inputs=[A])) == {(dataset_id("ns", "a"), None)}
    assert pairs(run_event("job", outputs=[B])) == {(None, dataset_id("ns", "b"))}


def test_later_facets_win_in_one_batch_whatever_their_order() -> None:
    early = run_event("job", inputs=[dataset("ns", "a", one={"v": 1}, two={"v": 1})], seconds=1)
    late = run_event("job", inputs=[dataset("ns", "a", two={"v": 2})], seconds=2)
    for batch in ([early, late], [late, early]):
        (row,) = rows_of(receive(e) for e in batch).datasets.values()
        assert row.facets == {"one": {"v": 1}, "two": {"v": 2}}


def test_symlinks_are_datasets_and_aliases() -> None:
    link = {"identifiers": [{"namespace": "ns", "name": "b", "type": "TABLE"}]}
    event = receive(run_event("job", inputs=[dataset("ns", "a", symlinks=link)]))
    assert {d.id for d in event.datasets} == ids("a", "b")
    assert event.aliases == ((dataset_id("ns", "a"), dataset_id("ns", "b")),)


def test_deleted_column_lineage_is_none() -> None:
    gone = dataset("ns", "b", columnLineage={"_deleted": True})
    assert not rows_of([receive(run_event("job", inputs=[A], outputs=[gone]))]).column_edges
