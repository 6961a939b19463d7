"""What the DAG `apply_contracts` does, on a shop of the test's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from headrace.contracts.index import load_index
from headrace.services.apply.operators import ApplyContractsOperator
from tests.integration.systems.world import AT, ID, TOTAL, World
from tests.support.watching import airflow_connections

pytestmark = pytest.mark.slow


@pytest.fixture
def declared(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    world.zones = "quarantine"
    world.make_table("orders", rows=2)
    world.declare("orders")
    airflow_connections(world, monkeypatch)
    return world


def _execute(world: World, **options: Any) -> dict[str, Any]:
    operator = ApplyContractsOperator(task_id="apply", schemas=str(world.folder), **options)
    return operator.execute({"run_id": "manual__1"})  # type: ignore[typeddict-item]


def _kept(world: World) -> list[tuple[Any, ...]]:
    with world.systems.platform.transaction() as connection:
        query = "SELECT dag_run, applied_at IS NOT NULL, error, plan->'summary'->>'create' FROM plans ORDER BY id"
        return connection.execute(query).fetchall()


def test_a_plan_is_shown_and_kept_then_carried_out_then_there_is_nothing_to_do(declared: World) -> None:
    shown = _execute(declared, plan_only="True")
    assert not shown["applied"]
    assert f"+ create warehouse_table {declared.name}.orders_state" in shown["text"]
    assert json.loads(json.dumps(shown)) == shown  # it travels as XCom
    assert declared.source not in declared.systems.connect.names()
    done = _execute(declared, datasets=f"{declared.name}.orders, ")
    assert done["applied"]
    assert done["summary"] == shown["summary"]
    again = _execute(declared)
    assert (again["text"], again["changes"]) == ("No changes: every system matches the contracts.", [])
    created = str(shown["summary"]["create"])
    assert _kept(declared) == [
        ("manual__1", False, None, created),
        ("manual__1", True, None, created),
        ("manual__1", True, None, "0"),
    ]


def test_a_refusal_fails_the_task_for_good_and_is_kept(declared: World) -> None:
    _execute(declared)
    declared.declare("orders", ID, {**TOTAL, "type": "string"}, AT)
    assert _execute(declared, plan_only=True)["refusals"]
    with pytest.raises(AirflowFailException, match='field "total"'):
        _execute(declared)
    assert "total" in _kept(declared)[-1][2]


def test_what_is_wrong_with_contracts_or_arguments_fails_the_task_for_good(declared: World) -> None:
    with pytest.raises(AirflowFailException, match="no contract for nothing"):
        _execute(declared, datasets=["nothing"])
    with pytest.raises(AirflowFailException, match="flavour is unknown"):
        _execute(declared, settings={"flavour": "mild"})
    (declared.folder / declared.name / "orders.avsc").write_text('{"type": "record",\n "name": ')
    with pytest.raises(AirflowFailException, match=r"orders\.avsc:\d+: "):
        _execute(declared)


def test_a_broken_file_holds_back_its_dataset_only_and_what_runs_reads_the_index(
    declared: World, tmp_path: Path
) -> None:
    declared.make_table("lines", rows=1)
    declared.declare("lines")
    (declared.folder / declared.name / "orders.avsc").write_text("[" * 100_000)
    following = tmp_path / "streams.py"
    following.write_text("")
    before = following.stat().st_mtime_ns
    index = tmp_path / "applied.json"
    with pytest.raises(AirflowFailException, match=r"orders held back: .*orders\.avsc:1: too-deep"):
        _execute(declared, index=str(index), dags=[str(following)])
    assert list(load_index(index)) == [f"{declared.name}.lines"]
    assert following.stat().st_mtime_ns > before
    assert "too-deep" in _kept(declared)[-1][2]
