"""Send due notifications from the outbox. Shared by the operator and its trigger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from headrace.contracts.contract import Contract
from headrace.contracts.index import load_index
from headrace.errors import SystemFailure
from headrace.services.notifications.due import Notice, due
from headrace.services.notifications.hook import NotifyHook
from headrace.services.notifications.message import message
from headrace.services.notifications.outbox import Outbox, OutboxState
from headrace.services.notifications.routes import CONNECTION, Route, Routes, read_routes, trouble_key
from headrace.systems.platform.hook import PlatformHook
from headrace.systems.retry import Backoff

PLATFORM_OWNER: Final = "platform"
"""Owner of alerts that have neither a dataset nor an owner."""
AGAIN: Final = Backoff(first_s=10.0, longest_s=600.0)
TROUBLED_AFTER: Final = 3
"""Consecutive failures of one route after which the other routes are alerted."""


class Sent(NamedTuple):
    """Result of sending by one route."""

    route: str
    notices: tuple[Notice, ...]
    error: str = ""
    """Why the route failed; empty on success."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends due notifications, with the routes, the outbox and the contracts, which have the owners."""

    routes: Routes
    platform: PlatformHook
    contracts: Mapping[str, Contract]
    hook: NotifyHook
    again: Backoff = AGAIN

    @classmethod
    def of(cls, extra: Mapping[str, Any], platform: PlatformHook, schemas: str) -> Sender:
        """Return the sender of the connection's extra and the contracts in the folder `schemas`."""
        return cls(read_routes(extra), platform, load_index(Path(schemas)), NotifyHook())

    def is_due(self) -> bool:
        """Return whether a notification is due now. Also resolves lapsed alerts."""
        outbox = Outbox(self.platform)
        outbox.lapse()
        state = outbox.read([route.name for route in self.routes.routes])
        return any(self._due(route, state) for route in self.routes.routes)

    def deliver(self) -> tuple[Sent, ...]:
        """Send what is due, route by route; a failed route does not stop the others."""
        return tuple(sent for route in self.routes.routes if (sent := self._serve(route)).notices)

    def summary(self) -> tuple[str, ...]:
        """Return lines for the log: the routes, and their problems."""
        names = ", ".join(route.name for route in self.routes.routes)
        nowhere = f"no route in the connection {CONNECTION}: alerts stay in the platform's database"
        return (f"alerts go to {names}" if names else nowhere, *self.routes.problems)

    def _serve(self, route: Route) -> Sent:
        with Outbox(self.platform).turn(route.name) as turn:
            state = turn.read()
            notices = self._due(route, state)
            if not notices:
                return Sent(route.name, ())
            failures = state.failures.get(route.name, 0)
            try:
                self.hook.send(route, message(notices))
            except SystemFailure as failure:
                failures += 1
                turn.failed(str(failure), self.again.wait_s(failures))
                sent = Sent(route.name, notices, str(failure))
            else:
                turn.sent(notices)
                sent = Sent(route.name, notices)
        self._trouble(sent, failures)
        return sent

    def _due(self, route: Route, state: OutboxState) -> tuple[Notice, ...]:
        if route.name in state.waiting:
            return ()
        owned = [alert._replace(owner=self._owner(alert.owner, alert.dataset)) for alert in state.alerts]
        return due(route, owned, state.notified.get(route.name, {}), state.now, self.routes.remind_s)

    def _owner(self, owner: str, dataset: str) -> str:
        contract = self.contracts.get(dataset)
        return owner or (contract.owner if contract else PLATFORM_OWNER)

    def _trouble(self, sent: Sent, failures: int) -> None:
        key = trouble_key(sent.route)
        if not sent.error:
            if failures:
                self.platform.resolve_alert(key)
        elif failures >= TROUBLED_AFTER:
            text = f"alerts do not reach {sent.route}: {sent.error}"
            self.platform.raise_alert(key, "warning", text, owner=PLATFORM_OWNER)


def log_sent(sent: Sent, info: Callable[..., None], warning: Callable[..., None]) -> None:
    """Log one line about one route."""
    what = ", ".join(f"{notice.kind} {notice.alert.key}" for notice in sent.notices)
    if sent.error:
        warning("not sent to %s: %s (%s)", sent.route, sent.error, what)
    else:
        info("sent to %s: %s", sent.route, what)
