"""Check, adopt, launch and relaunch the driver of one stream group. Shared by the operator and its trigger."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from headrace.contracts.index import load_index
from headrace.contracts.names import stream_dag
from headrace.errors import SystemRefused
from headrace.planning.streams import StreamPlan, stream_plans
from headrace.services.streams.watch import Verdict, judge
from headrace.systems.endpoint import Endpoint
from headrace.systems.platform.alerts import failure_key
from headrace.systems.platform.hook import PlatformHook
from headrace.systems.retry import Backoff
from headrace.systems.spark.host import SPARK, StreamHost, stream_host
from headrace.systems.spark.store import StreamStore

KEEP_TASK: Final = "keep_alive"
"""Id of the task that keeps a stream running, in the DAG of its group."""
MOST_FAILURES: Final = 5
RELAUNCH: Final = Backoff(tries=MOST_FAILURES, first_s=2.0, longest_s=30.0)


class Reconciler:
    """Keeps the driver of one stream group in line with the applied contracts."""

    def __init__(self, group: str, schemas: str, host: StreamHost, platform: PlatformHook) -> None:
        self.group = group
        self._schemas = Path(schemas)
        self._host = host
        self._platform = platform
        self._store = StreamStore(platform)

    @classmethod
    def from_connections(cls, group: str, schemas: str) -> Reconciler:
        """Return a reconciler of spark_default and platform_default, within a task."""
        return cls(
            group, schemas, stream_host(Endpoint.from_connection("spark_default")), PlatformHook.from_connection()
        )

    @classmethod
    async def afrom_connections(cls, group: str, schemas: str) -> Reconciler:
        """Return a reconciler of spark_default and platform_default, within a trigger."""
        host = stream_host(await Endpoint.afrom_connection("spark_default"))
        return cls(group, schemas, host, PlatformHook(await Endpoint.afrom_connection("platform_default")))

    @property
    def plan(self) -> StreamPlan | None:
        """Return the plan of the applied contracts; None when the group has no applied contract."""
        return stream_plans(load_index(self._schemas).values()).get(self.group)

    def check(self, grace_s: float, stall_s: float) -> tuple[Verdict | None, float]:
        """Return what is wrong, or None, and the seconds since the launch."""
        launch, plan = self._store.launched(self.group), self.plan
        running_s = time.time() - launch.launched_at.timestamp() if launch else 0.0
        driver, pulses = self._host.driver(self.group), self._store.pulses(self.group)
        if plan is None:
            return Verdict("retired", f"the stream group {self.group} has no applied contract any more"), running_s
        verdict = judge(driver, pulses, plan.version, running_s=running_s, grace_s=grace_s, stall_s=stall_s)
        return verdict, running_s

    def ensure(self) -> str:
        """Adopt a live driver with the current plan, or launch one; return what was done."""
        plan = self.plan
        if plan is None:
            raise SystemRefused(SPARK, str(self._schemas), f"the stream group {self.group} has no applied contract")
        version, launch = plan.version, self._store.launched(self.group)
        driver = self._host.driver(self.group)
        if driver.alive and launch and launch.plan_version == version:
            return f"adopted the driver of {self.group} (process {driver.pid}, plan {version})"
        if driver.alive:
            self._host.stop(self.group)
        self._store.register(self.group, version)
        self._host.launch(self.group)
        return f"launched the driver of {self.group} (plan {version})"

    def relaunch_after(self, reason: str, running_s: float, settle_s: float) -> float:
        """Stop what is left of the driver; return the seconds to wait before the next launch.

        Raises:
            SystemRefused: the driver died too often in a row, each time soon after its launch.
        """
        self._host.stop(self.group)
        if reason == "new-plan":
            return 0.0
        if running_s > settle_s:
            self._store.settled(self.group)
            return 0.0
        failures = self._store.failed(self.group)
        if failures >= MOST_FAILURES:
            self._store.settled(self.group)
            raise SystemRefused(
                SPARK, self.group,
                f"the driver failed {failures} times in a row, each within {settle_s:.0f} s; see the log of stream-{self.group}",
            )  # fmt: skip
        return RELAUNCH.wait_s(failures)

    def settle(self) -> None:
        """Reset the failures of a driver that runs well; resolve the alerts about the driver and about its task."""
        self._store.settled(self.group)
        _resolve(self.group, self._platform)

    def alert(self, text: str) -> None:
        """Raise an alert that the stream needs attention; it stays open until the driver has settled."""
        self._platform.raise_alert(_alert(self.group), "error", f"stream {self.group}: {text}")


def stop_stream(group: str, platform: PlatformHook) -> None:
    """Stop the driver of a removed group, by spark_default, and resolve its alerts."""
    stream_host(Endpoint.from_connection("spark_default")).stop(group)
    _resolve(group, platform)


def _resolve(group: str, platform: PlatformHook) -> None:
    platform.resolve_alert(_alert(group))
    platform.resolve_alert(failure_key(stream_dag(group), KEEP_TASK))


def _alert(group: str) -> str:
    return f"stream:{group}"
