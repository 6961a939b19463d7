"""Recovery with a connector that fails again in the middle, by Connect's answers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from headrace.services.connectors import recovery
from headrace.services.connectors.recovery import pause
from headrace.systems.connect.hook import ConnectHook
from headrace.systems.endpoint import Endpoint


class Worker:
    """Connect with one connector: a task that has failed, or misses a request, is paused only when it is restarted."""

    def __init__(self, task: str, misses: str = "") -> None:
        self.state, self.task, self.misses, self.restarts = "RUNNING", task, misses, 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        step = request.url.path.rsplit("/", 1)[-1]
        if step == "pause":
            self.state = "PAUSED"
            self.task = "PAUSED" if self.task == "RUNNING" and self.misses != "pause" else self.task
        elif step == "restart":
            if self.task == "FAILED" or request.url.params["onlyFailed"] == "false":
                self.restarts += 1
                self.task = self.state
        else:
            return httpx.Response(200, json=self._status())
        return httpx.Response(202)

    def _status(self) -> dict[str, Any]:
        task = {"id": 0, "state": self.task, "worker_id": "w", "trace": "it fell"}
        return {"name": "cdc-shop", "connector": {"state": self.state, "worker_id": "w"}, "tasks": [task]}


def _hook(worker: Worker) -> ConnectHook:
    return ConnectHook(Endpoint("connect"), transport=httpx.MockTransport(worker.answer), sleep=lambda seconds: None)


def test_a_task_that_has_failed_is_restarted_so_that_it_can_pause() -> None:
    worker = Worker("FAILED")
    pause(_hook(worker), "cdc-shop")
    assert (worker.task, worker.restarts) == ("PAUSED", 1)


def test_a_connector_that_runs_is_only_paused() -> None:
    worker = Worker("RUNNING")
    pause(_hook(worker), "cdc-shop")
    assert (worker.task, worker.restarts) == ("PAUSED", 0)


def test_a_task_that_missed_the_request_is_restarted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "RESTART_S", 0.0)
    worker = Worker("RUNNING", misses="pause")
    pause(_hook(worker), "cdc-shop")
    assert (worker.task, worker.restarts) == ("PAUSED", 1)
