"""Operator that keeps a stream group's driver running."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from headrace.services.streams.reconcile import Reconciler, stop_stream
from headrace.services.streams.triggers import GRACE_S, StreamNeedsCareTrigger
from headrace.systems.platform.hook import PlatformHook

if TYPE_CHECKING:
    from airflow.sdk import Context


class KeepStreamOperator(BaseOperator):
    """Keeps one stream group's driver running: adopts or launches it, then waits, deferred, until it needs attention.

    If the task, the worker, the triggerer or the scheduler dies, the driver keeps running, and the next try adopts it.

    Args:
        group: the stream group in the contracts.
        schemas: the index of the applied contracts.
        grace_s: seconds that a driver may take until its first heartbeat.
        stall_s: maximum age of a heartbeat, seconds.
        settle_s: seconds after which a running driver counts as well started.
    """

    template_fields = ("group",)
    ui_color = "#cfe8ef"

    def __init__(
        self, *, group: str, schemas: str, grace_s: float = GRACE_S, stall_s: float = 45.0, settle_s: float = 120.0,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.group = group
        self.schemas = schemas
        self.grace_s = grace_s
        self.stall_s = stall_s
        self.settle_s = settle_s

    def execute(self, context: Context) -> None:
        """Adopt or launch the driver, then defer."""
        self._ensure(Reconciler.from_connections(self.group, self.schemas))

    def reconcile(self, context: Context, event: dict[str, Any]) -> None:
        """Restart the driver after the trigger's event, or fail when it does not stay up."""
        reconciler = Reconciler.from_connections(self.group, self.schemas)
        self.log.warning("stream %s: %s: %s", self.group, event["reason"], event["text"])
        if event["reason"] == "retired":
            stop_stream(self.group, PlatformHook.from_connection())
            return
        if event["reason"] != "new-plan":
            reconciler.alert(event["text"])
        wait_s = reconciler.relaunch_after(event["reason"], float(event["running_s"]), self.settle_s)
        if wait_s:
            self.log.info("relaunching in %.1f s", wait_s)
            time.sleep(wait_s)
        self._ensure(reconciler)

    care = reconcile  # Airflow's database has this name for a task that an earlier version deferred

    def _ensure(self, reconciler: Reconciler) -> None:
        self.log.info(reconciler.ensure())
        trigger = StreamNeedsCareTrigger(
            self.group, self.schemas, grace_s=self.grace_s, stall_s=self.stall_s, settle_s=self.settle_s
        )
        self.defer(trigger=trigger, method_name="reconcile")
