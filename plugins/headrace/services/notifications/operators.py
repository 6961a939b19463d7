"""Operator that sends due notifications and waits for the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from headrace.services.notifications.triggers import AlertsDueTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

    from headrace.services.notifications.sender import Sender


class SendAlertsOperator(BaseOperator):
    """Sends alerts by the routes of the connection `alerts_default`: each opening, worsening and end, once per route.

    It waits, deferred, on the table of alerts until a notification is due. A route that refuses messages is retried
    with growing waits, and its notifications stay due. No notification is sent twice unless the task dies between
    sending and recording.

    Args:
        schemas: the folder of the contracts, which have the owners.
        poll_s: seconds between two polls of the table.
        gather_s: seconds after the first alert within which others go into the same message.
    """

    ui_color = "#fadbd8"

    def __init__(self, *, schemas: str, poll_s: float = 3.0, gather_s: float = 3.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.schemas = schemas
        self.poll_s = poll_s
        self.gather_s = gather_s

    def execute(self, context: Context) -> None:
        """Log the routes, then wait."""
        for line in self._sender().summary():
            self.log.info("%s", line)
        self._wait()

    def on_due(self, context: Context, event: Mapping[str, Any]) -> None:
        """Send what is due, then wait again. Raises SystemFailure when the platform does not answer."""
        from headrace.services.notifications.sender import log_sent

        for sent in self._sender().deliver():
            log_sent(sent, self.log.info, self.log.warning)
        self._wait()

    def _sender(self) -> Sender:
        from headrace.services.notifications.sender import Sender
        from headrace.services.notifications.triggers import extra_of
        from headrace.systems.platform.hook import PlatformHook

        return Sender.of(extra_of(), PlatformHook.from_connection(), self.schemas)

    def _wait(self) -> None:
        trigger = AlertsDueTrigger(self.schemas, poll_s=self.poll_s, gather_s=self.gather_s)
        self.defer(trigger=trigger, method_name="on_due")
