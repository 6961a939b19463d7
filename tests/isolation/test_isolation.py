"""One dataset in trouble at a stage stops no other: the others are served and landed, and nothing of theirs is told.

The shop's lake has the catalog that the test stack does not use, so each stage runs on both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from airflow.sdk.exceptions import AirflowFailException

from headrace.systems.hops.measure import measure
from headrace.systems.quality.operators import CheckServedOperator
from tests.conftest import Stack
from tests.isolation.shop import SICK, WELL, Shop, open_shop
from tests.isolation.troubles import TROUBLES, Trouble
from tests.support.live_shop import wait_until
from tests.support.schema_ids import schema_ids

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
    wait_until(lambda: trouble.told(shop), 60, f"nobody tells of the trouble at {trouble.stage}")
    assert not [alert for dataset in WELL for alert in shop.alerts(dataset)]
    trouble.mend(shop)
    shop.trade(1, (SICK, *WELL))
    wait_until(lambda: not shop.alerts(SICK), 60, "what is over is still told")


def test_refinement_checks_and_status_go_past_a_dataset_whose_tables_are_gone(shop: Shop) -> None:
    systems, domain = shop.world.systems, shop.at.domain
    with shop.at.refining() as refine:
        systems.lake.drop_table(shop.raw(SICK))
        systems.warehouse.execute(f"DROP VIEW {domain}.{SICK} SYNC")
        refined = {each["dataset"]: each for each in refine()}
    assert "failed" in refined[f"{domain}.{SICK}"]
    for dataset in WELL:
        assert refined[f"{domain}.{dataset}"]["changed"]["cleaned"]["insert"] > ROWS
    operator = CheckServedOperator(task_id="check", schemas=str(shop.world.folder))
    with pytest.raises(AirflowFailException, match=rf"broken as served: {domain}\.{SICK}: "):
        operator.execute({"dag": operator, "run_id": "isolation"})  # type: ignore[typeddict-item]
    assert len(operator.checked) == len((SICK, *WELL))
    seen = {hops.dataset: hops for hops in measure(systems, shop.world.contracts)}
    assert any(reason.hop == "raw" for reason in seen[f"{domain}.{SICK}"].reasons)
    for dataset in WELL:
        assert not [cell for cell in seen[f"{domain}.{dataset}"].hops().values() if cell.error]
        assert seen[f"{domain}.{dataset}"].agree
