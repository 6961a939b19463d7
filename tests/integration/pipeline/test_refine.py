"""Refinement by Airflow, on the live stack: cleaned is what the source is, and what checks found is kept and told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.conftest import Stack

DAG = "refine_retail_campaigns"


@pytest.fixture(autouse=True, scope="module")
def switched_on(stack: Stack) -> Iterator[None]:
    stack.airflow.pause(DAG, False)
    yield
    stack.airflow.pause(DAG, True)


def refined(stack: Stack, **params: Any) -> dict[str, Any]:
    """A run to its end; what it did."""
    run = stack.airflow.trigger(DAG, params)
    stack.airflow.wait_for_run(DAG, run, 280, lambda line: None)
    return kept(stack, "dag_run = %s", run)


def kept(stack: Stack, condition: str, *parameters: Any) -> dict[str, Any]:
    """What the platform's ledger says of the last refinement of which that is true."""
    query = f"SELECT changed, published, outcomes FROM refinements WHERE {condition} ORDER BY id DESC LIMIT 1"
    with psycopg.connect(stack.superuser_dsn("headrace"), row_factory=dict_row) as connection:
        row = connection.execute(query, parameters).fetchone()  # type: ignore[call-overload]
    assert row is not None
    found: dict[str, Any] = row
    return found


def cleaned(stack: Stack, table: str, *columns: str) -> list[tuple[Any, ...]]:
    scan = stack.systems.lake.catalog.load_table(f"cleaned.{table}").scan(selected_fields=columns)
    return sorted(tuple(row[name] for name in columns) for row in scan.to_arrow().to_pylist())


@pytest.mark.timeout(600)
def test_cleaned_is_what_the_source_is_and_a_second_run_changes_nothing(
    stack: Stack, oltp: Any, eventually: Callable[..., Any]
) -> None:
    query = "SELECT campaign_id, count(*) FROM retail.campaigns GROUP BY 1 ORDER BY 1"
    wanted = oltp.execute(query).fetchall()
    rows = sum(count for _, count in wanted)
    eventually(
        lambda: len(stack.systems.lake.catalog.load_table("raw.retail_campaigns").scan().to_arrow()) >= rows, True
    )
    first = refined(stack, everything=True)
    assert first["published"]
    assert all(outcome["passed"] for outcome in first["outcomes"])
    found = cleaned(stack, "retail_campaigns", "campaign_id", "household_id")
    assert [(c, sum(1 for each, _ in found if each == c)) for c, _ in wanted] == wanted
    households = {token for _, token in found}
    assert all(isinstance(token, str) and len(token) == 22 for token in households)
    assert len(households) == oltp.execute("SELECT count(DISTINCT household_id) FROM retail.campaigns").fetchone()[0]
    assert refined(stack, everything=True)["changed"] == {}


@pytest.mark.timeout(600)
def test_check_outcomes_are_kept_in_the_warehouse_and_sent_to_lineage(
    stack: Stack, oltp: Any, warehouse: Any, eventually: Callable[..., Any]
) -> None:
    before = len(stack.systems.lake.catalog.load_table("raw.retail_campaigns").scan().to_arrow())
    oltp.execute(
        "INSERT INTO retail.campaigns (campaign_id, household_id) SELECT min(campaign_id), max(household_id) + 1 FROM retail.campaigns"
    )
    raw = stack.systems.lake
    eventually(lambda: len(raw.catalog.load_table("raw.retail_campaigns").scan().to_arrow()) > before, True)
    refined(stack)
    # By that run, or by one that came by itself just before it.
    done = kept(stack, "dataset = 'retail.campaigns' AND outcomes <> '[]'")
    latest = (
        "SELECT rule FROM quality.latest WHERE dataset = 'retail.campaigns' AND zone = 'cleaned' AND passed ORDER BY 1"
    )
    assert [rule for (rule,) in warehouse(latest)] == sorted(outcome["check"] for outcome in done["outcomes"])
    query = """
        SELECT payload -> 'inputs', payload -> 'outputs' FROM lineage.events
         WHERE event_type = 'COMPLETE' AND payload #>> '{job,name}' = %s ORDER BY event_time DESC LIMIT 1"""

    def reported(job: str) -> Any:
        with psycopg.connect(stack.superuser_dsn("headrace")) as connection:
            return connection.execute(query, [job]).fetchone()

    for job in ("refine_retail_campaigns.refine", "check.cleaned.retail_campaigns"):
        eventually(lambda job=job: bool(reported(job)), True)
    (raw_table,), made = reported("refine_retail_campaigns.refine")
    (dataset,), nothing = reported("check.cleaned.retail_campaigns")
    assert (raw_table["name"], dataset["name"], nothing) == ("raw/retail_campaigns", "cleaned/retail_campaigns", [])
    zones = ("cleaned/retail_campaigns", "history/retail_campaigns", "quarantine/retail_campaigns")
    assert sorted(output["name"] for output in made) == sorted(zones)
    (cleaned_table,) = (output for output in made if output["name"] == zones[0])
    (source,) = cleaned_table["facets"]["columnLineage"]["fields"]["household_id"]["inputFields"]
    assert (source["name"], source["field"]) == ("raw/retail_campaigns", "household_id")
    assert source["transformations"][0]["masking"] is True
    assertions = dataset["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert {each["name"] for each in assertions} == {outcome["check"] for outcome in done["outcomes"]}
    assert all(each["success"] for each in assertions)
