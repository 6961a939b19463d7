"""Apply the test stack's folder of contracts without Airflow: in seconds, where the run itself is not what is proven."""

from __future__ import annotations

from headrace.contracts.loading import read_folder
from headrace.services.apply.engine import PlanRequest, apply_plan, observe
from headrace.systems.bundle import plan_settings
from headrace.systems.platform.applied import AppliedRecord
from include.stack import endpoints
from include.stack.contracts import applied_file
from tests.conftest import Stack


def apply_folder(stack: Stack) -> None:
    """Make everything what the folder says, and have everything that runs follow it. Raises HeldBack."""
    folder = read_folder(stack.settings.contracts)
    request = PlanRequest(tuple(folder.contracts.values()))
    planner = observe(stack.systems, request, plan_settings(endpoints.endpoints(stack.settings)))
    apply_plan(stack.systems, planner, lambda line: None, texts=folder.texts)
    AppliedRecord(stack.systems.platform).write_index(applied_file(stack.settings))
