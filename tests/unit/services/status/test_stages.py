"""Zones of the lake: each one that is empty or behind says why, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from headrace.services.status.jobs import Dags, Job
from headrace.services.status.overview import Observed
from headrace.services.status.stages import Stages
from headrace.services.status.table import Hop, Reason, absent
from tests.unit.services.status.cases import (
    BEFORE,
    CONTRACTS,
    COUPONS,
    DEAD_LETTERS,
    NOW,
    ROWS,
    TRANSACTIONS,
    alert,
    row,
    shown,
    well,
    with_last,
    with_rows,
)

REFINE = "refine_retail_transactions"


def stages(seen: Observed, dataset: str = TRANSACTIONS) -> Stages:
    (found,) = shown(seen, dataset).datasets
    return found


def unrefined(dags: Dags | None = None, **alerts: str) -> Observed:
    """Two changes have landed since the last refinement."""
    seen = with_last(well(TRANSACTIONS), TRANSACTIONS, records=ROWS - 2)
    raised = {key: found for key, text in alerts.items() for key, found in alert(key.replace("__", ":"), text).items()}
    known = replace(seen.known, alerts={found.key: found for found in raised.values()})
    return replace(seen, known=known, dags=dags)


def test_refined_zones_need_no_reason() -> None:
    found = stages(well(TRANSACTIONS))
    assert (found.reasons, found.unrefined, found.refined_at) == ((), 0, BEFORE)
    assert {zone: hop.rows for zone, hop in found.zones.items()} == {"cleaned": ROWS, "history": ROWS, "quarantine": 0}
    assert list(found.hops) == ["source", "kafka", "raw", "warehouse"]


def test_a_dataset_of_files_has_no_source_and_no_topic() -> None:
    found = stages(well(COUPONS), COUPONS)
    assert (list(found.hops), found.captured, found.reasons) == (["raw", "warehouse"], None, ())


def test_the_platforms_own_dataset_keeps_dead_letters_and_waits_for_nothing() -> None:
    found = stages(with_rows(well(DEAD_LETTERS), quarantine__platform_dead_letters=4), DEAD_LETTERS)
    assert ({zone: hop.rows for zone, hop in found.zones.items()}, found.reasons) == ({"quarantine": 4}, ())


@pytest.mark.parametrize(
    ("seen", "zone", "why", "since", "next_step"),
    [
        (unrefined(), "cleaned", "not refined yet", None, "trigger"),
        (unrefined(Dags(paused=frozenset([REFINE]))), "cleaned", "the DAG is paused", None, "unpause refine_<domain>_<dataset>"),
        (unrefined(Dags(jobs=(Job(REFINE, "r", "running", NOW),))), "cleaned", "is running", None, "run status again"),
        (unrefined(Dags(jobs=(Job(REFINE, "r", "failed", NOW),))), "cleaned", f"the last run of {REFINE} failed", NOW, "clear"),
        (unrefined(Dags(jobs=(Job("refine_retail_products", "r", "failed", NOW),))), "cleaned", "yet", None, "trigger"),
        (unrefined(**{f"dag__{REFINE}__refine": "no space left"}), "cleaned", "no space left", BEFORE, "clear"),
        (with_last(well(TRANSACTIONS), TRANSACTIONS, published=False), "cleaned", "not published", BEFORE, "quality.md"),
        (with_rows(well(TRANSACTIONS), history__retail_transactions=None), "history", "not in the lake yet", None, "apply_contracts"),
        (with_rows(well(TRANSACTIONS), quarantine__retail_transactions=1), "quarantine", "1 change broke", None, "refinement.md"),
        (with_rows(well(TRANSACTIONS), cleaned__retail_transactions=7), "cleaned", "not those of raw", None, f"{REFINE} with everything"),
    ],
)  # fmt: skip
def test_a_zone_has_its_reason(seen: Observed, zone: str, why: str, since: object, next_step: str) -> None:
    (found,) = stages(seen).reasons
    assert (found.hop, found.since) == (zone, since)
    assert why in found.why
    assert next_step in found.next_step


def test_an_active_job_counts_more_than_the_failure_before_it() -> None:
    active, failed = Job(REFINE, "r2", "queued", NOW), Job(REFINE, "r1", "failed", BEFORE)
    for jobs in ((active, failed), (failed, active)):
        (found,) = stages(unrefined(Dags(jobs=jobs))).reasons
        assert "is queued" in found.why


def test_changes_that_land_while_others_are_counted_are_no_difference() -> None:
    behind = replace(well(TRANSACTIONS), hops=(row(CONTRACTS[TRANSACTIONS], raw=Hop(rows=ROWS - 1, changes=ROWS - 1)),))
    found = stages(behind)
    assert found.unrefined == 0, "the ledger is newer than the count"
    assert [reason.hop for reason in found.reasons] == ["raw"]


def test_without_the_ledger_nobody_knows_what_is_refined() -> None:
    found = stages(replace(well(TRANSACTIONS), last=None))
    assert (found.unrefined, found.refined_at, found.reasons) == (None, None, ())


@pytest.mark.parametrize(
    ("change", "hop", "why"),
    [
        (lambda seen: replace(seen, served={COUPONS: Hop(rows=1)}), "warehouse", "not served"),
        (lambda seen: replace(seen, served={COUPONS: absent("retail.coupons", "warehouse")}), "warehouse", "not in the warehouse yet"),
        (lambda seen: with_rows(seen, raw__retail_coupons=None), "raw", "not in the lake yet"),
        (lambda seen: with_rows(seen, raw__retail_coupons=ROWS + 1), "cleaned", "not refined"),
    ],
)  # fmt: skip
def test_a_dataset_of_files_has_its_reason(change: Callable[[Observed], Observed], hop: str, why: str) -> None:
    found: list[Reason] = [reason for reason in stages(change(well(COUPONS)), COUPONS).reasons if reason.hop == hop]
    assert len(found) == 1
    assert why in found[0].why
    assert found[0].next_step
