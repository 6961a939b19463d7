"""Operators of Kafka Connect: keep connectors running, control one connector."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk import BaseOperator

from headrace.contracts import names
from headrace.services.connectors.reconcile import Reconciler, Trouble, connectors_of
from headrace.services.connectors.triggers import ConnectorsTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

    from headrace.services.connectors.watch import Event

Steering = Literal["pause", "resume", "stop", "restart"]
STATES: Mapping[Steering, Literal["PAUSED", "RUNNING", "STOPPED"]] = {
    "pause": "PAUSED",
    "resume": "RUNNING",
    "stop": "STOPPED",
    "restart": "RUNNING",
}
QUIET = ("over", "reachable", "recovered", "let-in", "slot-caught-up", "snapshot-done")


class SteerConnectorOperator(BaseOperator):
    """Pauses, resumes, stops or restarts one connector, and waits until it has the new state.

    Args:
        connector: name of the connector.
        action: pause, resume, stop or restart.
        timeout_s: seconds to wait for the new state.
    """

    template_fields = ("connector", "action")

    def __init__(
        self,
        *,
        connector: str,
        action: Steering,
        timeout_s: float = 120.0,
        connect_conn_id: str = "kafka_connect_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.connector = connector
        self.action = action
        self.timeout_s = timeout_s
        self.connect_conn_id = connect_conn_id

    def execute(self, context: Context) -> str:
        """Change the connector's state; return the new state as one line."""
        from headrace.systems.connect.hook import ConnectHook

        if self.action not in STATES:
            raise ValueError(f"`action` must be one of {', '.join(STATES)}; got {self.action!r}")
        hook = ConnectHook.from_connection(self.connect_conn_id)
        if self.action == "restart":
            hook.restart(self.connector, only_failed=False)
        else:
            getattr(hook, self.action)(self.connector)
        return hook.wait(self.connector, STATES[self.action], self.timeout_s).summary


class KeepConnectorsOperator(BaseOperator):
    """Watches connectors and replication slots, deferred, and repairs what it can.

    It restarts a failed task, with growing waits between restarts. If the task does not stay up, this task fails with
    the cause, and an alert is open until the connector runs again. It excludes a dataset that makes its sink fail, with
    an alert until the dataset is included again. It raises an alert for a slot that falls behind. It recovers a lost
    slot by a new snapshot and by deleting the rows that vanished meanwhile.

    Args:
        connectors: names of connectors; those that the contracts need when empty.
        schemas: the folder of the contracts.
        restarts: restarts of a connector before the task fails.
        first_wait_s: minimum seconds between two restarts; doubles up to longest_wait_s.
        calm_s: seconds that a connector must run to count as recovered.
        behind_bytes: bytes of log that a slot may hold back.
        recover_lost_slots: take a new snapshot when a slot is lost; otherwise raise an alert and fail.
        watch_for: duration of the watch, after which the task succeeds; endless when None.
        poll_s: seconds between two polls.
    """

    template_fields = ("connectors",)
    ui_color = "#dff0d8"

    def __init__(
        self,
        *,
        schemas: str,
        connectors: Sequence[str] = (),
        restarts: int = 6,
        first_wait_s: float = 5.0,
        longest_wait_s: float = 120.0,
        calm_s: float = 120.0,
        behind_bytes: int = 1 << 30,
        recover_lost_slots: bool = True,
        watch_for: timedelta | None = None,
        poll_s: float = 5.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.schemas = schemas
        self.connectors = connectors
        self.restarts = restarts
        self.first_wait_s = first_wait_s
        self.longest_wait_s = longest_wait_s
        self.calm_s = calm_s
        self.behind_bytes = behind_bytes
        self.recover_lost_slots = recover_lost_slots
        self.watch_for = watch_for
        self.poll_s = poll_s

    def execute(self, context: Context) -> None:
        """Resume recoveries that a killed task left unfinished, then watch."""
        until = time.time() + self.watch_for.total_seconds() if self.watch_for else None
        reconciler = Reconciler.from_connections(self.schemas, self.log.info)
        reconciler.resume_recoveries()
        self._watch(reconciler, reconciler.remembered(until))

    def on_event(self, context: Context, event: Event, trouble: dict[str, Any]) -> None:
        """Repair what the trigger's event reports, then watch again.

        Raises:
            SystemFailure: a connector does not stay up, or a lost slot may not be recovered.
            HeldBack: the reconcile after a fresh snapshot failed; the next watch retries it.
        """
        known = Trouble.from_json(trouble)
        log = self.log.info if event["event"] in QUIET else self.log.warning
        log("%s: %s", event["event"], event["message"])
        reconciler = Reconciler.from_connections(self.schemas, self.log.info)
        if event["event"] == "over":
            reconciler.all_well(self._watched(reconciler))
            return
        self._watch(reconciler, self._repaired(reconciler, known, event))

    def _repaired(self, reconciler: Reconciler, known: Trouble, event: Event) -> Trouble:
        allowed = self.recover_lost_slots
        match event["event"]:
            case "failed":
                for connector in event["connectors"]:
                    if connector in event["slot_lost"] and reconciler.is_source(connector):
                        known = reconciler.recover(known, connector, allowed=allowed)
                    else:
                        known = self._restarted(reconciler, known, connector, event["message"])
                return known
            case "slot-lost":
                return reconciler.recover_slot(known, event["slot"], allowed=allowed)
            case "let-in":
                reconciler.let_in(event["topics"])
                return known
            case "snapshot-done":
                reconciler.reconcile(event["connectors"])
                return known
        return reconciler.note(known, event)

    def _restarted(self, reconciler: Reconciler, known: Trouble, connector: str, cause: str) -> Trouble:
        if reconciler.hold_out(connector):
            return known.well([connector])  # Connect starts the tasks of a changed configuration
        known = known.again(connector)
        tries = known.restarts[connector]
        if tries > self.restarts:
            raise reconciler.give_up(connector, f"{cause}. It failed again after {tries - 1} restarts.")
        reconciler.restart(connector, tries, self.restarts)
        return known

    def _watched(self, reconciler: Reconciler) -> list[str]:
        return sorted(self.connectors) or connectors_of(reconciler.contracts)

    def _watch(self, reconciler: Reconciler, known: Trouble) -> None:
        tries = max(known.restarts.values(), default=0)
        wait_s = min(self.longest_wait_s, self.first_wait_s * 2.0 ** (tries - 1)) if tries else 0.0
        sources = reconciler.systems.sources
        trigger = ConnectorsTrigger(
            connectors=self._watched(reconciler),
            slots={names.replication_slot(n): names.airflow_connection(n) for n in sources},
            poll_s=self.poll_s,
            behind_bytes=self.behind_bytes,
            calm_s=self.calm_s,
            first_look_s=wait_s * random.uniform(0.75, 1.25),  # noqa: S311
            troubled=sorted(known.restarts),
            behind=sorted(known.behind),
            snapshots=sorted(reconciler.unreconciled()),
            held_out=reconciler.held_out(),
            until=known.until,
            unreached=known.unreached,
        )
        self.defer(trigger=trigger, method_name="on_event", kwargs={"trouble": known.to_json()})
