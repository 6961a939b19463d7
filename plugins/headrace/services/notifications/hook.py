"""Hook that sends messages by Apprise: e-mail, Slack, webhooks and a hundred more services, each by its URL.

https://appriseit.com/services/ lists them. The hook has no state: the outbox records what was sent.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote, urlsplit

from headrace.errors import SystemRefused, SystemUnavailable
from headrace.services.notifications.message import Message
from headrace.services.notifications.routes import Route
from headrace.systems.text import one_line

NEXT_STEP: Final = "Due notifications are sent when it answers."
TIMEOUT_S: Final = 30.0
LONGEST: Final = 500


class NotifyHook:
    """Sends messages by routes, once, without a retry: the outbox retries."""

    def __init__(self, *, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s

    def send(self, route: Route, message: Message) -> None:
        """Send the message.

        Raises:
            SystemUnavailable: the receiver did not accept the message, or not in time.
            SystemRefused: Apprise does not support the URL.
        """
        import apprise

        sender = apprise.Apprise(asset=apprise.AppriseAsset(app_id="Headrace", app_desc="Headrace"))
        if not sender.add(route.url):
            text = f"Apprise cannot use its URL ({urlsplit(route.url).scheme}://…); see https://appriseit.com/services/"
            raise SystemRefused("notify", route.name, text)
        result = sender.notify(
            title=message.title,
            body=message.body,
            notify_type=message.mood,
            body_format=apprise.NotifyFormat.TEXT,
            timeout=self._timeout_s,
            log_level=WARNING,
        )
        if not result:
            logged = "; ".join(dict.fromkeys(entry.message for entry in result.logs()))
            cause = without_secrets(logged or f"no answer within {self._timeout_s:.0f} s", route.url)
            raise SystemUnavailable("notify", route.name, f"{cause} {NEXT_STEP}")


def without_secrets(text: str, url: str) -> str:
    """Return the text on one line, with every part of the URL that may be secret replaced."""
    parts = urlsplit(url)
    secrets = {url, parts.password or "", parts.query, *parts.path.split("/")}
    secrets |= {value for pair in parts.query.split("&") for value in pair.split("=")[1:]}
    for secret in sorted(secrets | {unquote(secret) for secret in secrets}, key=len, reverse=True):
        if len(secret) >= 6:
            text = text.replace(secret, "***")
    return one_line(text, LONGEST)


WARNING: Final = 30
"""Value of logging.WARNING: lower levels of Apprise's log are not kept."""
