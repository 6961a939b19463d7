"""What checks found is kept in the warehouse: once, also of a run that is told again, and also when it was away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headrace.contracts.loading import load_contracts
from headrace.errors import SystemUnavailable
from headrace.services.quality.alerts import alert_on
from headrace.services.quality.outcomes import Outcome
from headrace.services.quality.pages import write_pages
from headrace.services.quality.results import Results, Run
from headrace.services.refinement.ledger import Ledger
from headrace.systems.bundle import Systems
from headrace.systems.endpoint import Endpoint
from headrace.systems.platform.hook import PlatformHook
from headrace.systems.retry import Backoff
from headrace.systems.warehouse.hook import WarehouseHook
from headrace.systems.warehouse.layers import statements

PROJECT = Path(__file__).parents[3]
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOOD = Outcome("a", "error", "x", True, 0, "", "expect_x")
BAD = Outcome("b", "warning", None, False, 3, 'such as {"id": 1}', "reference", ('{"id": 1}', '{"id": 2}'))


@pytest.fixture
def results(systems: Systems, name: str) -> Iterator[Results]:
    for _ in range(2):
        for statement in statements(PROJECT / "include" / "sql" / "quality"):
            systems.warehouse.execute(statement.sql)
    yield Results(systems.warehouse)
    systems.warehouse.execute(f"DELETE FROM quality.results WHERE dataset LIKE '{name}%'")


@pytest.fixture
def kept(systems: Systems, name: str) -> Callable[[], list[tuple[object, ...]]]:
    query = "SELECT zone, rule, passed, unexpected, examples, dag_id, run_id FROM quality.results FINAL WHERE dataset = {d:String} ORDER BY ALL"
    return lambda: [tuple(row) for row in systems.warehouse.rows(query, {"d": f"{name}.t"})]


def refinement(name: str, *outcomes: Outcome) -> dict[str, object]:
    rows = [outcome._asdict() for outcome in outcomes]
    return {"dataset": f"{name}.t", "changed": {}, "watermark": None, "published": True, "outcomes": rows}


def test_a_run_is_kept_once_and_its_last_try_counts(
    results: Results, name: str, kept: Callable[[], list[tuple[object, ...]]]
) -> None:
    run = Run("check_served", "r1", AT)
    results.keep(f"{name}.t", "served", [GOOD, BAD], run)
    results.keep(f"{name}.t", "served", [GOOD, BAD], run)
    assert kept() == [
        ("served", "a", True, 0, [], "check_served", "r1"),
        ("served", "b", False, 3, ['{"id": 1}', '{"id": 2}'], "check_served", "r1"),
    ]
    again = run._replace(at=AT + timedelta(days=40))
    results.keep(f"{name}.t", "served", [BAD._replace(passed=True, unexpected=0, examples=())], again)
    assert kept()[1] == ("served", "b", True, 0, [], "check_served", "r1")


def test_every_rule_has_a_history(results: Results, name: str) -> None:
    for day, passed in enumerate((True, False, False, True)):
        run = Run("check_served", f"r{day}", AT + timedelta(days=day))
        results.keep(f"{name}.t", "served", [BAD._replace(passed=passed)], run)
    results.keep(f"{name}.t", "cleaned", [BAD], Run("refine", "r", AT))
    assert results.history(f"{name}.t", 30) == {("served", "b"): [True, False, False, True], ("cleaned", "b"): [False]}
    assert results.history(f"{name}.t", 2)["served", "b"] == [True, False]
    latest = {(each.zone, each.rule): each for each in results.latest(f"{name}.t")}
    assert latest["served", "b"].passed
    assert latest["cleaned", "b"].examples == ['{"id": 1}', '{"id": 2}']


def test_the_last_run_of_each_zone_counts_and_checks_that_are_gone_do_not(results: Results, name: str) -> None:
    gone, later = BAD._replace(check="gone"), Run("check_served", "r2", AT + timedelta(days=1))
    results.keep(f"{name}.t", "served", [GOOD, BAD, gone], Run("check_served", "r1", AT))
    for _ in range(2):
        results.keep(f"{name}.t", "served", [GOOD, BAD._replace(passed=True, unexpected=0, examples=())], later)
    results.keep(f"{name}.t", "cleaned", [BAD], Run("refine", "r", AT - timedelta(days=40)))
    results.keep(f"{name}.u", "served", [BAD], later)
    found = results.last_runs([f"{name}.t"])
    assert [(dataset, each.zone, each.rule, each.passed) for dataset, each in found] == [
        (f"{name}.t", "cleaned", "b", False),
        (f"{name}.t", "served", "a", True),
        (f"{name}.t", "served", "b", True),
    ]


def test_the_ledger_returns_the_newest_refinement_and_the_newest_published_one(
    platform: PlatformHook, name: str
) -> None:
    ledger, done = Ledger(platform), refinement(name)
    ledger.record("r1", {}, {**done, "raw_records": 7}, dag_id="refine_t")
    published = ledger.last([f"{name}.t"])[f"{name}.t"]
    ledger.record("r2", {}, {**done, "published": False, "raw_records": 9}, dag_id="refine_t")
    found = ledger.last([f"{name}.t", f"{name}.never"])
    assert found.keys() == {f"{name}.t"}
    last = found[f"{name}.t"]
    assert (last.published, last.published_at, last.records) == (False, published.at, 7)
    assert last.at > published.at


def test_what_refinements_found_while_the_warehouse_was_away_is_brought_over_once(
    results: Results, platform: PlatformHook, name: str, kept: Callable[[], list[tuple[object, ...]]]
) -> None:
    Ledger(platform).record("r1", {}, refinement(name, GOOD, BAD), dag_id="refine_t")
    Ledger(platform).record("r2", {}, refinement(name), dag_id="refine_t")
    gone = WarehouseHook(Endpoint("127.0.0.1", 1), backoff=Backoff(tries=2, first_s=0.01))
    with pytest.raises(SystemUnavailable):
        Results(gone).bring_over(platform)
    assert kept() == []
    assert results.bring_over(platform) == 2
    there = kept()
    assert [(row[0], row[1], row[5], row[6]) for row in there] == [
        ("cleaned", "a", "refine_t", "r1"),
        ("cleaned", "b", "refine_t", "r1"),
    ]
    assert results.bring_over(platform) == 0
    with platform.transaction() as connection:  # as if it had died before it was noted
        connection.execute("UPDATE refinements SET kept_at = NULL")
    assert results.bring_over(platform) == 2
    assert kept() == there


def test_refinements_from_before_are_brought_over_too(results: Results, platform: PlatformHook, name: str) -> None:
    old = {key: value for key, value in BAD._asdict().items() if key not in ("expectation", "examples")}
    Ledger(platform).record("r1", {}, {**refinement(name), "outcomes": [old]}, dag_id="refine_t")
    assert results.bring_over(platform) == 1
    assert [each.expectation for each in results.latest(f"{name}.t")] == [""]


def test_cleaned_and_served_do_not_resolve_each_other(platform: PlatformHook) -> None:
    def open_keys() -> list[str]:
        return sorted(alert.key for alert in platform.open_alerts())

    alert_on(platform, "d.t", "cleaned", [BAD, GOOD])
    alert_on(platform, "d.t", "served", [BAD, GOOD._replace(passed=False)])
    alert_on(platform, "d.tt", "served", [BAD])
    assert open_keys() == ["quality:d.t:b", "served:d.t:a", "served:d.t:b", "served:d.tt:b"]
    alert_on(platform, "d.t", "served", [GOOD])
    assert open_keys() == ["quality:d.t:b", "served:d.tt:b"]
    alert_on(platform, "d.t", "cleaned", [])  # nothing was asked
    assert open_keys() == ["quality:d.t:b", "served:d.tt:b"]


def test_the_pages_show_every_dataset_and_escape_its_data(results: Results, name: str, tmp_path: Path) -> None:
    products = next(c for c in load_contracts(PROJECT / "include" / "schemas") if c.name == "products")
    contract = replace(products, id=f"{name}.t", domain=name, name="t")
    evil = Outcome(
        "brand_invalidValues", "error", "brand", False, 1, "such as", "e", ('{"brand": "<script>alert(1)</script>"}',)
    )
    results.keep(f"{name}.t", "served", [evil], Run("check_served", "r1", AT))
    front = write_pages(tmp_path / "pages", {contract.id: contract}, results)
    assert f'<a href="{name}.t.html">' in front.read_text()
    assert "served: brand_invalidValues" in front.read_text()
    page = (front.parent / f"{name}.t.html").read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "not run yet" in page
    assert page.count("<tr>") > 10
    write_pages(tmp_path / "pages", {contract.id: contract}, results)
    assert sorted(file.name for file in (tmp_path / "pages").iterdir()) == ["index.html", f"{name}.t.html"]
