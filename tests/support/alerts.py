"""Alerts for tests, and real receivers of messages: an SMTP server and a webhook, both on the loopback address."""

from __future__ import annotations

import email
import email.policy
import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

from headrace.systems.platform.alerts import Alert

BEGAN = datetime(2026, 11, 1, 10, 0, tzinfo=UTC)


def alert(key: str = "quality:shop.items:range", severity: Any = "error", **more: Any) -> Alert:
    """An open alert that began at BEGAN."""
    facts: dict[str, Any] = {"dataset": "shop.items", "text": f"{key} is broken", "first_seen": BEGAN, "owner": "till"}
    facts |= {"last_seen": BEGAN, "times": 1}
    return Alert(key, severity, **{**facts, **more})


def over(opened: Alert, after_s: float = 60.0) -> Alert:
    """The same, resolved."""
    return opened._replace(resolved_at=opened.first_seen + timedelta(seconds=after_s))


class Mailbox:
    """An SMTP server that keeps what it is sent; `refuse` makes it say that it cannot now."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.refuse = False
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=self._port)

    def __enter__(self) -> Mailbox:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    @property
    def url(self) -> str:
        """As Apprise writes it."""
        return f"mailto://127.0.0.1:{self._port}?from=headrace@example.org&to=till@example.org&mode=insecure"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuse:
            return "451 not now"
        found = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.messages.append(found)  # type: ignore[arg-type]
        return "250 taken"


class Webhook:
    """An HTTP server that keeps the JSON it is sent; `status` is what it answers."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.status = 200
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if hook.status == 200:
                    hook.messages.append(body)
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> Webhook:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """As Apprise writes it, with a part that is secret."""
        return f"json://127.0.0.1:{self._server.server_port}/hooks/a-secret-token"

    @property
    def bodies(self) -> list[str]:
        """The texts of the messages."""
        return [message["message"] for message in self.messages]
