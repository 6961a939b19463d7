"""The client of ClickHouse, over HTTP, and what its errors mean."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from headrace.errors import SystemRefused
from headrace.systems.endpoint import Endpoint
from headrace.systems.retry import Transient
from headrace.systems.text import one_line

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

PASSING: Final = frozenset({159, 160, 201, 202, 209, 210, 236, 241, 242, 243, 252, 279, 319, 394, 425, 439, 745, 999})
"""ClickHouse's error codes that say "not now": time-outs, limits, too many parts, shutting down."""
CONNECT_TIMEOUT_S: Final = 5
_CODE: Final = re.compile(r"[Cc]ode: (\d+)")


def is_secure(endpoint: Endpoint) -> bool:
    """Return whether the endpoint is asked over TLS."""
    return bool(endpoint.extra.get("secure", False))


def port(endpoint: Endpoint) -> int:
    """Return the endpoint's port, or ClickHouse's own for HTTP or HTTPS."""
    return endpoint.port or (8443 if is_secure(endpoint) else 8123)


def connect(endpoint: Endpoint, timeout_s: float, *, compress: bool = True) -> Client:
    """Return a client without a session, which would allow one statement at a time. Raises what `meaning` translates."""
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


def meaning(error: Exception, address: str) -> Transient | SystemRefused:
    """Return what an error of the client, or an OSError, says: not now, or never."""
    from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

    if not isinstance(error, DatabaseError) or isinstance(error, OperationalError):
        return Transient(one_line(_root(error)))
    code = _CODE.search(str(error))
    # Without a code it comes from the client: of this very class, an HTTP status such as 503.
    passes = int(code.group(1)) in PASSING if code else type(error) is DatabaseError
    if passes:
        return Transient(one_line(error))
    return SystemRefused("warehouse", address, one_line(error))


def _root(error: BaseException) -> BaseException:
    """What lies under the layers of HTTP clients."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error
