"""HTTP client of ClickHouse, and translation of its errors."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import TYPE_CHECKING, Final

from headrace.contracts.names import CLICKHOUSE_HTTP_PORT
from headrace.errors import SystemRefused
from headrace.systems.endpoint import Endpoint
from headrace.systems.retry import Transient
from headrace.systems.text import one_line

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

BUSY: Final = frozenset({202, 209, 210, 236, 242, 252, 279, 319, 425, 439, 745, 999})
"""ClickHouse's error codes of a server that is busy: too many queries or parts, shutting down."""
LIMITS: Final = frozenset({159, 160, 201, 241, 243, 394})
"""Error codes of a statement that hit a limit of time, memory or space. An insert of a stream waits until there is room;
a query would hit its own limit again."""
CONNECT_TIMEOUT_S: Final = 5
_CODE: Final = re.compile(r"[Cc]ode: (\d+)")


def is_secure(endpoint: Endpoint) -> bool:
    """Return whether the connection uses TLS."""
    return bool(endpoint.extra.get("secure", False))


def port(endpoint: Endpoint) -> int:
    """Return the endpoint's port, or ClickHouse's default port for HTTP or HTTPS."""
    return endpoint.port or (8443 if is_secure(endpoint) else CLICKHOUSE_HTTP_PORT)


def connect(endpoint: Endpoint, timeout_s: float, *, compress: bool = True) -> Client:
    """Return a client without a session, since a session allows only one statement at a time.

    Raises what `meaning` translates.
    """
    import clickhouse_connect

    return clickhouse_connect.get_client(
        host=endpoint.host,
        port=port(endpoint),
        username=endpoint.login,
        password=endpoint.password or "",
        secure=is_secure(endpoint),
        connect_timeout=CONNECT_TIMEOUT_S,
        send_receive_timeout=int(timeout_s),
        autogenerate_session_id=False,
        query_retries=0,
        compress=compress,
        client_name="headrace",
    )


def meaning(error: Exception, address: str, transient: Set[int] = BUSY) -> Transient | SystemRefused:
    """Translate an error of the client, or an OSError, into a transient failure or a refusal.

    `transient` has the error codes of ClickHouse that may pass by themselves.
    """
    from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

    if not isinstance(error, DatabaseError) or isinstance(error, OperationalError):
        return Transient(one_line(_root(error)))
    code = _CODE.search(str(error))
    # An error without a code comes from the client. If it is exactly a DatabaseError, it is an HTTP status such as 503.
    passes = int(code.group(1)) in transient if code else type(error) is DatabaseError
    if passes:
        return Transient(one_line(error))
    return SystemRefused("warehouse", address, one_line(error))


def _root(error: BaseException) -> BaseException:
    """Return the innermost cause, below the layers of HTTP clients."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error
