"""A wire to the database that can be cut at the worst moment."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Literal

from psycopg.conninfo import conninfo_to_dict, make_conninfo

Cut = Literal["before", "after"]


class Wire:
    """Forwards bytes both ways, and cuts the connection at the next COMMIT when told to.

    Cut "before": the COMMIT never reaches the server. Cut "after": it does, the answer is lost.
    """

    def __init__(self, conninfo: str) -> None:
        self._target = conninfo_to_dict(conninfo)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._armed: Cut | None = None
        self._open: list[socket.socket] = []
        self._down = False
        self.cuts = 0
        self.conninfo = make_conninfo(
            conninfo,
            host="127.0.0.1",
            port=str(self._server.getsockname()[1]),
            sslmode="disable",
            gssencmode="disable",
        )
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, when: Cut) -> None:
        """Cut once, at the next COMMIT."""
        self._armed = when

    def take_down(self) -> None:
        """Break every connection, and hang up on whoever calls."""
        self._down = True
        while self._open:
            _shut(self._open.pop())

    def put_up(self) -> None:
        """Answer again."""
        self._down = False

    def close(self) -> None:
        """Take no more connections."""
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                if self._down:
                    client.close()
                    continue
                server = self._connect()
                self._open += (client, server)
                upstream = (client, server, self._to_server)
                for source, target, forward in (upstream, (server, client, self._to_client)):
                    threading.Thread(target=_pump, args=(source, target, forward), daemon=True).start()

    def _connect(self) -> socket.socket:
        host, port = str(self._target.get("host") or "127.0.0.1"), self._target.get("port") or 5432
        if not host.startswith("/"):
            return socket.create_connection((host, int(port)))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server

    def _to_server(self, data: bytes, client: socket.socket, server: socket.socket) -> None:
        if self._armed is None or b"COMMIT" not in data:
            server.sendall(data)
            return
        when, self._armed = self._armed, None
        self.cuts += 1
        if when == "after":
            _shut(client)
            server.sendall(data)
        else:
            _shut(client)
            _shut(server)

    def _to_client(self, data: bytes, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            client.sendall(data)


@contextmanager
def wire_to(conninfo: str) -> Iterator[Wire]:
    """A wire for the length of a test."""
    wire = Wire(conninfo)
    try:
        yield wire
    finally:
        wire.close()


def _pump(
    source: socket.socket,
    target: socket.socket,
    forward: Callable[[bytes, socket.socket, socket.socket], None],
) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            forward(data, source, target)
    _shut(target)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
