"""Client of supervisord's XML-RPC API, over its unix socket or its HTTP port.

https://supervisord.org/api.html
"""

from __future__ import annotations

import socket
import xmlrpc.client
from http.client import HTTPConnection, HTTPSConnection
from typing import Any, Final

TIMEOUT_S: Final = 60.0
"""Time-out of a call in seconds, longer than supervisord waits for a process that it stops."""


def call(address: str, method: str, *arguments: Any) -> Any:
    """Return the result of a method such as `supervisor.getState`. Each call opens its own connection.

    Args:
        address: `unix:///path/to/socket`, or `http://user:password@host:port`.

    Raises:
        xmlrpc.client.Fault: the method fails.
        xmlrpc.client.ProtocolError: the password or the path is wrong.
        OSError, http.client.HTTPException: no answer.
    """
    transport: xmlrpc.client.Transport
    if address.startswith("unix://"):
        uri, transport = "http://localhost/RPC2", _Transport(address.removeprefix("unix://"))
    else:
        uri = f"{address}/RPC2"
        transport = _SafeTransport() if address.startswith("https://") else _Transport()
    with xmlrpc.client.ServerProxy(uri, transport=transport) as server:
        function: Any = server
        for part in method.split("."):
            function = getattr(function, part)
        return function(*arguments)


class _UnixConnection(HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT_S)
        self.sock.connect(self._path)


class _Transport(xmlrpc.client.Transport):
    """Standard transport with a time-out. Uses a unix socket if one is given."""

    def __init__(self, socket_file: str = "") -> None:
        super().__init__()
        self._socket_file = socket_file

    def make_connection(self, host: Any) -> HTTPConnection:
        if self._socket_file:
            return _UnixConnection(self._socket_file)
        connection = super().make_connection(host)
        connection.timeout = TIMEOUT_S
        return connection


class _SafeTransport(xmlrpc.client.SafeTransport):
    """Standard TLS transport with a time-out."""

    def make_connection(self, host: Any) -> HTTPSConnection:
        connection = super().make_connection(host)
        connection.timeout = TIMEOUT_S
        return connection
