"""A mart is built, or says what it waits for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headrace.planning.marts import reads
from headrace.services.status.jobs import Dags, Job
from headrace.services.status.marts import Mart
from headrace.services.status.overview import Observed, overview
from headrace.services.status.table import Hop
from tests.unit.services.status.cases import (
    BEFORE,
    CONTRACTS,
    NOW,
    RETURN,
    SQL,
    alert,
    shown,
    well,
    with_last,
    with_rows,
)

DAG = "mart_coupon_return"
READS = [contract.id for contract in reads(SQL[RETURN], CONTRACTS.values())]
EMPTY = {f"cleaned__{READS[0].replace('.', '_')}": 0}


def mart(seen: Observed) -> Mart:
    return next(mart for mart in shown(seen).marts if mart.mart == RETURN)


def jobs(state: str) -> Dags:
    return Dags(jobs=(Job(DAG, "r", state, NOW),))  # type: ignore[arg-type]


def unbuilt() -> Observed:
    seen = well()
    assert seen.last
    return replace(seen, last={key: last for key, last in seen.last.items() if key != RETURN})


def test_a_built_mart_has_its_time_and_waits_for_nothing() -> None:
    found = mart(well())
    assert (found.state, found.built_at, found.waits_for, found.reasons) == ("built", BEFORE, (), ())
    assert {each.state for each in shown(well()).marts} == {"built"}


@pytest.mark.parametrize(
    ("seen", "state", "why"),
    [
        (unbuilt(), "not built", "is not built yet"),
        (replace(unbuilt(), dags=Dags(paused=frozenset([DAG]))), "not built", "the DAG is paused"),
        (with_rows(well(), **EMPTY), "waiting", "inputs have no rows"),
        (with_rows(well(), **dict.fromkeys(EMPTY)), "waiting", "inputs have no rows"),
        (with_rows(replace(well(), dags=jobs("deferred")), **EMPTY), "waiting", "inputs have no rows"),
        (replace(well(), dags=jobs("failed")), "failed", f"the last run of {DAG} failed"),
        (with_rows(replace(well(), dags=jobs("failed")), **EMPTY), "failed", f"the last run of {DAG} failed"),
        (with_last(well(), RETURN, published=False), "failed", "not published"),
        (replace(well(), known=replace(well().known, alerts=alert(f"dag:{DAG}:serve", "no room"))), "failed", "no room"),
    ],
)  # fmt: skip
def test_a_mart_has_its_reason(seen: Observed, state: str, why: str) -> None:
    found = mart(seen)
    assert found.state == state
    assert any(why in reason.why and reason.next_step for reason in found.reasons), found.reasons


def test_a_mart_names_the_inputs_it_waits_for() -> None:
    assert mart(with_rows(well(), **EMPTY)).waits_for == (READS[0],)


def test_a_running_mart_needs_no_reason_and_an_unknown_one_is_not_called_unbuilt() -> None:
    assert (mart(replace(well(), dags=jobs("running"))).state, mart(replace(well(), dags=jobs("running"))).reasons) == (
        "running",
        (),
    )
    assert mart(replace(well(), last=None)).state == "unknown"


def test_rows_that_are_built_and_not_served_are_reported() -> None:
    (reason,) = mart(replace(well(), served={**well().served, RETURN: Hop(rows=1)})).reasons
    assert (reason.hop, "not served" in reason.why) == ("served", True)


def test_unreadable_sql_is_reported_and_hides_no_other_mart() -> None:
    content = overview(well(), list(CONTRACTS.values()), {**SQL, RETURN: "SELECT 1 FROM cleaned.nothing"})
    reasons = {found.mart: found.reasons for found in content.marts if found.reasons}
    assert reasons.keys() == {RETURN}
    assert "cleaned.nothing" in reasons[RETURN][0].why
    assert "coupon_return.sql" in reasons[RETURN][0].next_step
