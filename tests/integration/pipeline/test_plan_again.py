"""A second run plans nothing; a breaking change is refused before anything is touched."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from headrace.contracts.loading import load_contracts
from headrace.errors import HeldBack
from headrace.planning.render import render
from headrace.services.apply.engine import Planner, PlanRequest, apply_plan, observe
from headrace.systems.bundle import plan_settings
from include.stack import endpoints


@pytest.fixture
def schemas(stack: Any, tmp_path: Path) -> Path:
    """A copy of the contracts that a test may change."""
    return Path(shutil.copytree(stack.settings.contracts, tmp_path / "schemas"))


def _planner(stack: Any, schemas: Path) -> Planner:
    settings = plan_settings(endpoints.endpoints(stack.settings))
    return observe(stack.systems, PlanRequest(load_contracts(schemas)), settings)


def test_a_second_run_plans_nothing(stack: Any, schemas: Path) -> None:
    plan = _planner(stack, schemas).plan()
    assert plan.empty, render(plan)


def test_a_breaking_change_is_refused_with_all_that_it_would_hit(stack: Any, schemas: Path) -> None:
    avsc = schemas / "retail" / "products.avsc"
    avsc.write_text(
        avsc.read_text().replace(
            '"name": "manufacturer_id", "field-id": 2, "type": "int"',
            '"name": "manufacturer_id", "field-id": 2, "type": "string"',
        )
    )
    planner = _planner(stack, schemas)
    before = stack.systems.warehouse.rows(
        "SELECT create_table_query FROM system.tables WHERE database = 'retail' ORDER BY name"
    )
    with pytest.raises(HeldBack) as refused:
        apply_plan(stack.systems, planner, lambda line: None)
    text = str(refused.value)
    for hit in ("manufacturer_id", "raw.retail_products", "retail.products_state", "retail.products_changes"):
        assert hit in text
    after = stack.systems.warehouse.rows(
        "SELECT create_table_query FROM system.tables WHERE database = 'retail' ORDER BY name"
    )
    assert before == after
