"""With plan_only, `apply_contracts` changes nothing anywhere."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tasks() -> dict[str, Any]:
    """The tasks of the DAG by id."""
    return dict(runpy.run_path(str(ROOT / "dags" / "apply_contracts.py"))["dag"].task_dict)


def test_every_task_gets_plan_only(tasks: dict[str, Any]) -> None:
    assert tasks.pop("all_applied").upstream_task_ids == tasks.keys()
    for name, task in tasks.items():
        assert task.plan_only == "{{ params.plan_only }}", name
        assert "plan_only" in task.template_fields, name


@pytest.mark.parametrize("name", ["make_metrics", "make_quality", "open_lake", "declare_lineage"])
def test_a_task_that_only_shows_reaches_no_system(
    tasks: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from headrace.systems.endpoint import Endpoint

    def refuse(_: object, connection: str) -> Endpoint:
        pytest.fail(f"{name} asks for {connection}")

    monkeypatch.setattr(Endpoint, "from_connection", classmethod(refuse))
    monkeypatch.setenv("HEADRACE_INDEX", str(tmp_path / "index.json"))
    monkeypatch.setattr(tasks[name], "plan_only", "True")
    tasks[name].execute({})
