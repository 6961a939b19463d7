"""A mart is not built from an input that is still empty."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from headrace.services.refinement.operators import BuildMartOperator
from headrace.systems.lake.hook import LakeHook
from headrace.systems.platform.hook import PlatformHook


def building(monkeypatch: pytest.MonkeyPatch, rows: dict[str, int | None]) -> BuildMartOperator:
    mart = BuildMartOperator(task_id="build", dataset="marts.m", application="job.py", sql="m.sql", schemas="schemas")
    read = [SimpleNamespace(symlink=SimpleNamespace(name=name)) for name in rows]
    monkeypatch.setattr(BuildMartOperator, "find_flow", lambda _: SimpleNamespace(read=read, made=()))
    monkeypatch.setattr(LakeHook, "from_connection", lambda: SimpleNamespace(content=rows.get))
    monkeypatch.setattr(PlatformHook, "from_connection", lambda: None)
    monkeypatch.setattr(BuildMartOperator, "run_audited", lambda *_: {"built": True})
    return mart


def test_an_empty_input_skips_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    mart = building(monkeypatch, {"cleaned.a": 5, "cleaned.b": None})
    context: Any = {}
    with pytest.raises(AirflowSkipException, match=r"no rows in cleaned\.b; refine it first"):
        mart.execute(context)


def test_a_build_records_the_contents_of_its_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    mart = building(monkeypatch, {"cleaned.a": 5, "cleaned.b": 1})
    recorded: list[Any] = []
    monkeypatch.setattr(mart, "run_audited", lambda *arguments: recorded.append(arguments[2]))
    context: Any = {}
    mart.execute(context)
    assert recorded == [{"inputs": {"cleaned.a": 5, "cleaned.b": 1}}]
