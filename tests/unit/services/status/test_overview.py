"""The whole screen: what a system does not answer is missing in its own cells, and told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from headrace.errors import SystemUnavailable
from headrace.services.status.checks import summary
from headrace.services.status.jobs import Dags, Job
from headrace.services.status.lake_rows import LakeRows
from headrace.services.status.observe import lake_tables, observe
from headrace.services.status.table import Hop, Reason, unavailable
from headrace.services.status.to_json import to_json
from headrace.services.status.waiting import WaitingCells, merged
from headrace.systems.bundle import Endpoints, Systems
from headrace.systems.endpoint import Endpoint
from tests.unit.planning.cases import VIEWS
from tests.unit.services.status.cases import (
    BEFORE,
    CONTRACTS,
    COUPONS,
    NOW,
    RETURN,
    ROWS,
    SQL,
    TRANSACTIONS,
    alert,
    check,
    contracts,
    overview,
    shown,
    well,
    with_last,
)

SHUT = "127.0.0.1"
"""Nothing listens on port 1."""


def test_where_all_is_well_nothing_waits_and_every_dataset_and_mart_is_shown() -> None:
    content = shown(well())
    assert content.waiting == ()
    found = {stages.dataset for stages in content.datasets} | {mart.mart for mart in content.marts}
    assert found == CONTRACTS.keys()


def test_equal_reasons_are_one_line() -> None:
    tried = "warehouse at http://ch: refused (tried once since 2026-11-28 12:00:0{} UTC). Streams wait."
    cells = [(f"d.{number}", Reason("warehouse", tried.format(number), None, "look")) for number in (1, 2)]
    other = ("d.1", Reason("raw", "paused", NOW, "resume"))
    assert merged([*cells, other, cells[0]]) == (
        WaitingCells(("d.1", "d.2"), "warehouse", "warehouse at http://ch: refused. Streams wait.", None, "look"),
        WaitingCells(("d.1",), "raw", "paused", NOW, "resume"),
    )


def test_checks_are_counted_by_severity_and_the_worst_failures_come_first() -> None:
    found = summary(
        [
            (TRANSACTIONS, check("a", "warning", passed=False)),
            (COUPONS, check("b", "error", passed=False)),
            (COUPONS, check("c", "error", passed=True)),
        ]
    )
    assert (found.passed, found.failed, found.at) == ({"error": 1}, {"warning": 1, "error": 1}, BEFORE)
    assert [(dataset, failed.rule) for dataset, failed in found.failures] == [(COUPONS, "b"), (TRANSACTIONS, "a")]
    assert summary([]).at is None


def test_a_lake_that_does_not_answer_leaves_the_hops_and_what_is_served() -> None:
    gone = unavailable(SystemUnavailable("lake", "http://catalog", "no answer"))
    seen = replace(well(), lake=LakeRows(failed=dict.fromkeys(well().lake.rows, gone)))
    content = shown(seen)
    for stages in content.datasets:
        assert {hop.rows for hop in stages.zones.values()} <= {None}
        assert {hop.rows for name, hop in stages.hops.items() if name != "raw"} <= {ROWS}
    for mart in content.marts:
        assert (mart.lake.rows, mart.served.rows, mart.waits_for) == (None, ROWS, ())
    assert {cells.why for cells in content.waiting} == {"lake at http://catalog: no answer"}
    assert len(content.waiting) == 5, "one line for each zone, for raw and for the marts"


def test_events_are_measured_from_their_topic_on() -> None:
    cell = Hop(rows=4, changes=4)
    seen = replace(
        well(TRANSACTIONS),
        topics={VIEWS.id: Hop(rows=5, changes=5)},
        served={VIEWS.id: cell},
        lake=LakeRows({"raw.web_page_views": 5}),
    )
    (found,) = overview(replace(seen, hops=()), [VIEWS], {}).datasets
    assert {name: hop.rows for name, hop in found.hops.items()} == {"kafka": 5, "raw": 5, "warehouse": 4}
    assert [reason.hop for reason in found.reasons] == ["warehouse"]
    assert not overview(replace(seen, hops=(), served={VIEWS.id: Hop(rows=5)}), [VIEWS], {}).datasets[0].reasons


@pytest.fixture
def shut() -> Systems:
    """Hooks of systems that all refuse the connection."""
    place = Endpoint(SHUT, 1, "me", "secret", database="d")
    lake = Endpoint(f"http://{SHUT}:1", extra={"type": "rest", "warehouse": "s3://w"})
    kafka = Endpoint(extra={"bootstrap.servers": f"{SHUT}:1"})
    endpoints = Endpoints(kafka, place, place, lake, place, place, place, {"oltp": place})
    return Systems.at(endpoints, timeout_s=1.0)


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[SqlCatalog]:
    """A catalog in a folder, in which coupons have two rows in raw and one in cleaned."""
    catalog = SqlCatalog("lake", uri=f"sqlite:///{tmp_path}/c.db", warehouse=f"file://{tmp_path}/w")
    for zone, rows in (("raw", 2), ("cleaned", 1)):
        catalog.create_namespace(zone)
        data = pa.table({"id": pa.array(range(rows), pa.int64())})
        catalog.create_table(f"{zone}.retail_coupons", data.schema).append(data)
    yield catalog
    catalog.close()


def no_airflow() -> Dags:
    raise SystemUnavailable("airflow", "http://af", "no answer")


def test_systems_that_refuse_are_reported_and_leave_the_cells_of_the_others(shut: Systems, lake: SqlCatalog) -> None:
    shut.lake.__dict__["catalog"] = lake
    chosen = contracts(TRANSACTIONS, COUPONS, RETURN)
    seen = observe(shut, chosen, no_airflow)
    assert (seen.last, seen.checks, seen.dags) == (None, None, None)
    content = overview(seen, chosen, SQL)
    assert (content.checks, content.alerts, content.jobs) == (None, None, None)
    coupons = next(stages for stages in content.datasets if stages.dataset == COUPONS)
    assert (coupons.hops["raw"].rows, coupons.zones["cleaned"].rows, coupons.hops["warehouse"].rows) == (2, 1, None)
    reasons = {subject: cells.why for cells in content.waiting for subject in cells.subjects if not cells.place}
    assert reasons.keys() == {"alerts", "checks", "connectors", "running jobs", "last refinements and builds"}
    assert "airflow at http://af" in reasons["running jobs"]
    places = {(subject, cells.place) for cells in content.waiting for subject in cells.subjects}
    assert {(TRANSACTIONS, hop) for hop in ("source", "kafka", "raw", "warehouse")} <= places
    assert (COUPONS, "raw") not in places
    assert all(cells.next_step for cells in content.waiting)


def test_an_airflow_that_answers_is_shown_beside_systems_that_do_not(shut: Systems) -> None:
    job = Job("mart_store_daily", "r", "running", NOW)
    seen = observe(shut, contracts(COUPONS), lambda: Dags(jobs=(job,)))
    content = overview(seen, contracts(COUPONS), SQL)
    assert content.jobs == (job,)
    assert to_json(content)["jobs"][0]["dag"] == "mart_store_daily"


def test_each_lake_table_is_read_once_and_captured_raw_is_not() -> None:
    tables = lake_tables(list(CONTRACTS.values()))
    assert len(set(tables)) == len(tables)
    assert "raw.retail_coupons" in tables
    assert "raw.retail_transactions" not in tables
    assert {"cleaned.marts_coupon_return", "quarantine.platform_dead_letters"} <= set(tables)


def test_json_keeps_the_captured_datasets_as_they_were_and_adds_the_rest() -> None:
    seen = with_last(well(), TRANSACTIONS, records=ROWS - 2)
    late = replace(seen.known, alerts=alert("late:x", "x is late"))
    failed = summary([(TRANSACTIONS, check("key_unique", "error", passed=False))])
    found = to_json(shown(replace(seen, known=late, checks=failed)))
    captured = {c.id for c in CONTRACTS.values() if c.source.kind == "cdc"}
    assert found["datasets"].keys() == captured
    transactions = found["datasets"][TRANSACTIONS]
    assert transactions["raw"] == {"rows": ROWS, "changes": ROWS}
    assert transactions["freshness_s"] == {"p50": 0.412, "p95": 0.83}
    assert "reasons" not in transactions, "they are those of the hops"
    assert transactions["zones"]["cleaned"] == {"rows": ROWS}
    assert transactions["refined"] == {"at": "2026-11-28T11:57:00+00:00", "waiting": 2}
    assert found["other_datasets"].keys() == {COUPONS, "retail.promotions", "platform.dead_letters"}
    assert found["marts"][RETURN]["state"] == "built"
    assert found["checks"]["by_severity"]["error"] == {"passed": 0, "failed": 1}
    assert found["checks"]["failed"][0]["check"] == "key_unique"
    assert found["alerts"][0]["text"] == "x is late"
    assert found["jobs"] == []
    (waiting,) = found["waiting"]
    assert (waiting["subjects"], waiting["place"]) == ([TRANSACTIONS], "cleaned")
