"""One dataset in trouble at a stage stops no other: the others are served and landed, and nothing of theirs is told.

The shop's lake has the catalog that the test stack does not use, so each stage runs on both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from airflow.sdk.exceptions import AirflowFailException

from headrace.contracts import names
from headrace.errors import HeldBack
from headrace.services.quality.operators import CheckServedOperator
from headrace.services.serving.operators import ServeFromRawOperator, ServeOperator
from headrace.services.status.measure import measure
from tests.conftest import Stack
from tests.isolation.marts import marts_of
from tests.isolation.shop import SICK, WELL, Shop, open_shop
from tests.isolation.troubles import TROUBLES, Trouble
from tests.support.schema_ids import schema_ids
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.beside, pytest.mark.slow, pytest.mark.timeout(600)]

ROWS = 20


@pytest.fixture(scope="module")
def shop(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Everything flows before the first trouble."""
    settings = replace(stack.settings, values={**stack.settings.values, "HEADRACE_CATALOG": "jdbc"})
    with schema_ids(stack), open_shop(settings, tmp_path_factory.mktemp("isolation")) as opened:
        opened.trade(1, (SICK, *WELL))
        yield opened


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.stage)
def test_the_others_trade_on_and_the_dataset_comes_back(shop: Shop, trouble: Trouble) -> None:
    trouble.begin(shop)
    shop.trade(ROWS)
    wait_until(lambda: trouble.is_reported(shop), 60, f"no report of the trouble at {trouble.stage}")
    assert not [alert for dataset in WELL for alert in shop.alerts(dataset)]
    trouble.mend(shop)
    shop.trade(1, (SICK, *WELL))
    wait_until(lambda: not shop.alerts(SICK), 60, "what is over is still told")


def test_everything_that_runs_later_goes_past_a_dataset_whose_tables_are_gone(shop: Shop) -> None:
    """Refinement, marts, both ways of serving, checks, and status."""
    with marts_of(shop, (SICK, WELL[0])) as mart_of:
        with shop.at.refining() as refine:
            _lose_tables(shop)
            made = {each["dataset"]: each for each in refine()}
        for dataset in (f"{shop.at.domain}.{SICK}", mart_of[SICK]):
            assert "failed" in made[dataset]
        for dataset in (*(f"{shop.at.domain}.{well}" for well in WELL), mart_of[WELL[0]]):
            assert made[dataset]["changed"]["cleaned"]["insert"] > ROWS
        _marts_are_served(shop, mart_of)
    _streamed_tables_are_served_from_raw(shop)
    _others_are_checked(shop)
    _others_agree(shop)


def _lose_tables(shop: Shop) -> None:
    systems = shop.world.systems
    for table in (shop.raw(SICK), names.lake_table(shop.contract(SICK), "cleaned")):
        systems.lake.drop_table(table)
    systems.warehouse.execute(f"DROP VIEW {shop.at.domain}.{SICK} SYNC")


def _marts_are_served(shop: Shop, mart_of: Mapping[str, str]) -> None:
    served = {d: ServeOperator(task_id="serve", dataset=mart, schemas=_schemas(shop)) for d, mart in mart_of.items()}
    assert served[WELL[0]].execute({})["rows"] > ROWS  # type: ignore[typeddict-item]
    assert served[SICK].execute({})["rows"] == 0  # type: ignore[typeddict-item]


def _streamed_tables_are_served_from_raw(shop: Shop) -> None:
    """Of the others, what was lost comes back, whichever has its turn first."""
    for dataset in WELL:
        for table in names.stream_tables(shop.contract(dataset)):
            shop.world.systems.warehouse.execute(f"TRUNCATE TABLE {table}")
    with pytest.raises(HeldBack, match=rf"{shop.at.domain}\.{SICK}: ") as held:
        ServeFromRawOperator(task_id="serve", schemas=_schemas(shop)).execute({})  # type: ignore[typeddict-item]
    assert len(held.value.reasons) == 1


def _others_are_checked(shop: Shop) -> None:
    operator = CheckServedOperator(task_id="check", schemas=_schemas(shop))
    with pytest.raises(AirflowFailException, match=rf"broken as served: {shop.at.domain}\.{SICK}: "):
        operator.execute({"dag": operator, "run_id": "isolation"})  # type: ignore[typeddict-item]
    domain = {"domain": f"{shop.at.domain}."}
    query = (
        "SELECT DISTINCT dataset FROM quality.results WHERE startsWith(dataset, {domain:String}) AND zone = 'served'"
    )
    found = {dataset for (dataset,) in shop.world.systems.warehouse.rows(query, domain)}
    assert found == {f"{shop.at.domain}.{dataset}" for dataset in (SICK, *WELL)}


def _others_agree(shop: Shop) -> None:
    """Compare the others as status does."""
    seen = {hops.dataset: hops for hops in measure(shop.world.systems, shop.world.contracts)}
    assert any(reason.hop == "raw" for reason in seen[f"{shop.at.domain}.{SICK}"].reasons)
    for dataset in WELL:
        hops = seen[f"{shop.at.domain}.{dataset}"]
        assert not [cell for cell in hops.hops().values() if cell.error]
        assert hops.agree


def _schemas(shop: Shop) -> str:
    return str(shop.world.folder)
