"""Waiting for a connector whose tasks had failed before it was given another configuration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from headrace.errors import SystemFailure
from headrace.systems.connect import hook as module
from headrace.systems.connect.hook import ConnectHook
from headrace.systems.endpoint import Endpoint


def _status(state: str, trace: str = "") -> dict[str, Any]:
    task = {"id": 0, "state": state, "worker_id": "w", "trace": trace}
    return {"name": "cdc-shop", "connector": {"state": "RUNNING", "worker_id": "w"}, "tasks": [task]}


def _hook(*statuses: dict[str, Any]) -> ConnectHook:
    """Connect gives one after the other, and the last for good."""
    found: Iterator[dict[str, Any]] = iter(statuses)
    last = statuses[-1]

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=next(found, last))

    return ConnectHook(Endpoint("connect"), transport=httpx.MockTransport(answer), sleep=lambda _: None)


def test_an_earlier_failure_is_not_reported_for_the_new_configuration() -> None:
    old = _status("FAILED", "password is wrong")
    hook = _hook(old, old, old, _status("RUNNING"))
    assert hook.wait("cdc-shop", "RUNNING", before=hook.status("cdc-shop")).tasks == ("RUNNING",)


def test_another_failure_is_reported_at_once() -> None:
    hook = _hook(_status("FAILED", "password is wrong"), _status("FAILED", "no such table"))
    with pytest.raises(SystemFailure, match="no such table"):
        hook.wait("cdc-shop", "RUNNING", before=hook.status("cdc-shop"))


def test_a_lasting_failure_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OLD_FAILURE_S", 0.0)
    hook = _hook(_status("FAILED", "password is wrong"))
    with pytest.raises(SystemFailure, match="password is wrong"):
        hook.wait("cdc-shop", "RUNNING", before=hook.status("cdc-shop"))
