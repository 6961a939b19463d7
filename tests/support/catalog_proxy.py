"""A proxy on loopback before a REST catalog: commits are applied, and their answers do not arrive as they should."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import httpx

Fault = Literal["drop", "502", "late"]
"""The answer to an applied commit is cut off or replaced by a 502; or the commit is applied when the next one comes, just before it."""


class CatalogProxy:
    """Passes requests on. The next commit has the fault; those after it have none."""

    def __init__(self, catalog: str) -> None:
        self._catalog = httpx.Client(base_url=catalog, timeout=30)
        self._late: list[Callable[[], httpx.Response]] = []
        self.fault: Fault | None = None
        self.commits = 0
        self.url = ""

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> httpx.Response | None:
        """What the catalog says; None: say nothing."""
        kept = {name: value for name, value in headers.items() if name.lower() not in ("host", "content-length")}

        def forward() -> httpx.Response:
            return self._catalog.request(method, path, headers=kept, content=body)

        if not (method == "POST" and "/tables/" in path):
            return forward()
        self.commits += 1
        fault, self.fault = self.fault, None
        if fault == "late":
            self._late.append(forward)
            return None
        while self._late:
            self._late.pop()()
        done = forward()
        if fault == "502":
            return httpx.Response(502, json={"error": {"message": "gone", "type": "BadGateway", "code": 502}})
        return None if fault == "drop" else done


@contextmanager
def catalog_proxy(catalog: str) -> Iterator[CatalogProxy]:
    """A proxy before the catalog of this address, at `url`."""
    proxy = CatalogProxy(catalog)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def passed_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = proxy.answer(self.command, self.path, dict(self.headers), body)
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers.get("content-type", "application/json"))
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_DELETE = do_HEAD = passed_on

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
