"""What a DAG may ask of the notifier: send what is due, and go on waiting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from headrace.services.notifications.triggers import AlertsDueTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

    from headrace.services.notifications.sender import Sender


class SendAlertsOperator(BaseOperator):
    """Sends alerts by the routes of the connection `alerts_default`: each opening, worsening and end, once a route.

    It waits, deferred, on the table of alerts, and wakes when something is due. A route that takes nothing is tried
    again with growing waits; what is due stays due. Nothing is told twice unless the task dies between sending and
    noting.

    Args:
        schemas: the folder of the contracts, which name the owners.
        poll_s: how often the table is looked at.
        gather_s: what comes within so long of the first goes into one message.
    """

    ui_color = "#fadbd8"

    def __init__(self, *, schemas: str, poll_s: float = 3.0, gather_s: float = 3.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.schemas = schemas
        self.poll_s = poll_s
        self.gather_s = gather_s

    def execute(self, context: Context) -> None:
        """Says where alerts go, then waits."""
        for line in self._post().told():
            self.log.info("%s", line)
        self._wait()

    def on_due(self, context: Context, event: Mapping[str, Any]) -> None:
        """Woken by the trigger: send, then wait again. Raises SystemFailure when the platform does not answer."""
        from headrace.services.notifications.sender import log_sent

        for sent in self._post().deliver():
            log_sent(sent, self.log.info, self.log.warning)
        self._wait()

    def _post(self) -> Sender:
        from headrace.services.notifications.sender import Sender
        from headrace.services.notifications.triggers import extra_of
        from headrace.systems.platform.hook import PlatformHook

        return Sender.of(extra_of(), PlatformHook.from_connection(), self.schemas)

    def _wait(self) -> None:
        trigger = AlertsDueTrigger(self.schemas, poll_s=self.poll_s, gather_s=self.gather_s)
        self.defer(trigger=trigger, method_name="on_due")
