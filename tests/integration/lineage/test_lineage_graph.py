"""The stored graph: directions, depth, columns, names, plans; and the unbroken path."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from headrace.services.lineage.declaring import emit_declared
from headrace.services.lineage.graph import graph, path
from tests.integration.lineage.conftest import RunningEndpoint, run_query
from tests.support.lineage_cases import (
    AT,
    METRIC,
    contracts,
    dataset,
    made_from,
    metrics,
    run_event,
    settings,
)

pytestmark = pytest.mark.stack


def names(found: dict[str, Any] | None) -> set[str]:
    assert found is not None
    return {node["name"] for node in found["nodes"]}


def chain(space: str, *steps: str) -> list[dict[str, Any]]:
    """One job a step: "ab" reads a and writes b, "a-" only reads."""
    return [
        run_event(
            step,
            namespace=space,
            inputs=[dataset(space, step[0])],
            outputs=[dataset(space, step[1])] if step[1] != "-" else [],
        )
        for step in steps
    ]


def test_an_unbroken_path_from_postgresql_to_the_metric(endpoint: RunningEndpoint, dsn: str, space: str) -> None:
    where = settings(f"-{space}")
    emitted = emit_declared(endpoint.hook, contracts(), where, metrics())
    # Of six tables: source, sink, stream and view; two kinds of files; one metric.
    assert emitted.jobs == 6 * 4 + 2 + 1
    assert emitted.events == 2 * emitted.jobs
    start = f"postgres://postgres-{space}:5432:oltp.retail.transactions"
    end = f"clickhouse://clickhouse-{space}:8123:{METRIC}"
    edges = run_query(dsn, lambda connection: path(connection, start, end))
    assert edges is not None
    assert [edge.job_name for edge in edges] == [
        "cdc-oltp.oltp.retail.transactions",
        "stream.retail.metrics.sales_by_minute",
    ]
    assert edges[0].source == start and edges[-1].target == end
    assert all(left.target == right.source for left, right in pairwise(edges))
    columns = run_query(dsn, lambda c: path(c, start, end, columns=("sales_value", "sales")))
    assert columns is not None
    assert [edge.transformation for edge in columns] == ["DIRECT:IDENTITY", "DIRECT:AGGREGATION"]
    assert run_query(dsn, lambda c: path(c, start, end, columns=("week", "sales"))) is None
    assert endpoint.hook.path(start, end, columns=("sales_value", "sales")) is not None


def test_declared_lineage_keeps_the_datasets_of_one_connector_apart(endpoint: RunningEndpoint, space: str) -> None:
    """One connector reads six tables: campaigns must not seem to flow into transactions."""
    where = settings(f"-{space}")
    emit_declared(endpoint.hook, contracts(), where, metrics())
    down = endpoint.hook.graph(f"postgres://postgres-{space}:5432:oltp.retail.campaigns")
    assert names(down) == {
        "oltp.retail.campaigns", "raw/retail_campaigns", "retail.campaigns_state", "retail.campaigns_changes",
        "retail.campaigns",
    }  # fmt: skip
    up = endpoint.hook.graph(f"clickhouse://clickhouse-{space}:8123:retail.campaigns", "up")
    assert names(up) == {"oltp.retail.campaigns", "retail.campaigns_state", "retail.campaigns"}


def test_a_new_plan_replaces_the_old_one(endpoint: RunningEndpoint, space: str) -> None:
    where, both = settings(f"-{space}"), contracts("households", "campaigns")
    emit_declared(endpoint.hook, both, where, at=AT)
    emit_declared(endpoint.hook, both, where, at=AT + timedelta(1))
    source = f"postgres://postgres-{space}:5432:oltp.retail.households"
    assert "retail.households" in names(endpoint.hook.graph(source))
    later = emit_declared(endpoint.hook, contracts("campaigns"), where, at=AT + timedelta(2))
    assert later.withdrawn == 4
    assert names(endpoint.hook.graph(source)) == {"oltp.retail.households"}
    assert (
        f"clickhouse://clickhouse-{space}:8123",
        "retail.households",
    ) not in endpoint.hook.declared_jobs()
    assert emit_declared(endpoint.hook, contracts("campaigns"), where, at=AT + timedelta(3)).withdrawn == 0
    emit_declared(endpoint.hook, both, where, at=AT + timedelta(1, 1))  # late news of an old plan
    assert "raw/retail_households" not in names(endpoint.hook.graph(source))


def test_directions_and_depth(endpoint: RunningEndpoint, space: str) -> None:
    endpoint.post(*chain(space, "ab", "bc", "cd", "xc"))
    assert names(endpoint.hook.graph(f"{space}:a")) == set("abcd")
    assert names(endpoint.hook.graph(f"{space}:a", depth=2)) == set("abc")
    assert names(endpoint.hook.graph(f"{space}:c", "up")) == set("abcx")
    found = endpoint.hook.graph(f"{space}:a")
    assert found and {n["name"]: n["depth"] for n in found["nodes"]} == {
        "a": 0,
        "b": 1,
        "c": 2,
        "d": 3,
    }
    assert {(e["source"], e["target"]) for e in found["edges"]} == {
        (f"{space}:{s}", f"{space}:{t}") for s, t in ("ab", "bc", "cd")
    }


def test_cycles_end(endpoint: RunningEndpoint, space: str) -> None:
    endpoint.post(*chain(space, "ab", "bc", "ca", "aa"))
    assert names(endpoint.hook.graph(f"{space}:a", depth=50)) == set("abc")


def test_readers_without_output_are_seen_until_their_output_is(endpoint: RunningEndpoint, space: str) -> None:
    endpoint.post(*chain(space, "ab", "b-"))
    found = endpoint.hook.graph(f"{space}:a")
    assert found and [(e["source"], e["job_name"]) for e in found["edges"] if not e["target"]] == [(f"{space}:b", "b-")]
    written = run_event("b-", namespace=space, outputs=[dataset(space, "c")], seconds=1)
    endpoint.post(written)
    found = endpoint.hook.graph(f"{space}:a")
    assert names(found) == set("abc") and found and all(e["target"] for e in found["edges"])


def test_other_names_of_a_dataset_are_one_node(endpoint: RunningEndpoint, space: str) -> None:
    """One job writes the table by location, another reads it by its catalog name; a third has both."""

    def named(name: str, *others: str) -> dict[str, Any]:
        identifiers = [{"namespace": space, "name": other, "type": "TABLE"} for other in others]
        return dataset(space, name, **({"symlinks": {"identifiers": identifiers}} if others else {}))

    write = run_event("write", namespace=space, inputs=[named("a")], outputs=[named("location")])
    read = run_event("read", namespace=space, inputs=[named("catalog")], outputs=[named("z")])
    endpoint.post(write, read)
    assert endpoint.hook.path(f"{space}:a", f"{space}:z") is None
    both = run_event("look", namespace=space, inputs=[named("location", "catalog")])
    turned = run_event("look", namespace=space, inputs=[named("catalog", "location", "third")], seconds=1)
    endpoint.post(both)
    endpoint.post(turned)
    edges = endpoint.hook.path(f"{space}:a", f"{space}:z")
    assert edges is not None and [e["job_name"] for e in edges] == ["write", "read"]
    for name in ("location", "catalog", "third"):
        found = endpoint.hook.graph(f"{space}:{name}")
        assert names(found) == {"location", "z"}
    assert found is not None
    assert found["nodes"][0]["aliases"] == [f"{space}:catalog", f"{space}:third"]


def test_columns_are_followed_on_their_own(endpoint: RunningEndpoint, space: str) -> None:
    b = dataset(space, "b", columnLineage=made_from(x=[(space, "a", "x")], y=[(space, "a", "y")]))
    c = dataset(space, "c", columnLineage=made_from(total=[(space, "b", "x"), (space, "b", "y")]))
    endpoint.post(
        run_event("ab", namespace=space, inputs=[dataset(space, "a")], outputs=[b]),
        run_event("bc", namespace=space, inputs=[dataset(space, "b")], outputs=[c]),
    )
    down = endpoint.hook.graph(f"{space}:a", column="x")
    assert down and {(n["name"], n["field"]) for n in down["nodes"]} == {
        ("a", "x"),
        ("b", "x"),
        ("c", "total"),
    }
    up = endpoint.hook.graph(f"{space}:c", "up", column="total")
    assert up and {(n["name"], n["field"]) for n in up["nodes"]} == {
        ("c", "total"), ("b", "x"), ("b", "y"), ("a", "x"), ("a", "y"),
    }  # fmt: skip


def test_late_events_do_not_overwrite_newer_facets(endpoint: RunningEndpoint, dsn: str, space: str) -> None:
    for seconds, kind in ((2, "VIEW"), (1, "TABLE")):
        typed = dataset(space, "a", datasetType={"datasetType": kind})
        endpoint.post(run_event("job", namespace=space, inputs=[typed], seconds=seconds))
    found = run_query(dsn, lambda connection: graph(connection, f"{space}:a"))
    assert found and found.nodes[0].type == "VIEW"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("graph", 422),
        ("graph?dataset=a:b&direction=sideways", 422),
        ("graph?dataset=a:b&depth=0", 422),
        ("graph?dataset=a:b&depth=51", 422),
        ("graph?dataset=no-such:dataset", 404),
        ("path?from=a:b", 422),
        ("path?from=a:b&to=a:c&from_column=x", 422),
        ("path?from=no-such:a&to=no-such:b", 404),
    ],
)
def test_bad_questions_get_one_clear_sentence(endpoint: RunningEndpoint, query: str, status: int) -> None:
    answer = endpoint.client.get(f"/api/v1/lineage/{query}")
    assert answer.status_code == status and len(answer.json()["error"]) > 20


@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.long)])
def test_many_datasets_are_declared_and_followed(endpoint: RunningEndpoint, space: str, count: int) -> None:
    (one,) = contracts("campaign_descriptions")
    many = [
        replace(
            one,
            id=f"retail.d{i:04}",
            name=f"d{i:04}",
            source=replace(one.source, table=f"retail.d{i:04}"),
        )
        for i in range(count)
    ]
    where = settings(f"-{space}")
    emit_declared(endpoint.hook, many, where)
    found = endpoint.hook.graph(f"postgres://postgres-{space}:5432:oltp.retail.d0050")
    assert names(found) == {
        "oltp.retail.d0050",
        "raw/retail_d0050",
        "retail.d0050",
        "retail.d0050_state",
        "retail.d0050_changes",
    }
