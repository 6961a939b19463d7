"""REST catalog client with time-outs; pyiceberg's own client waits for an answer for ever."""

from __future__ import annotations

from typing import Any, Final

# Only pyiceberg imports this module, when it creates a catalog.
from pyiceberg.catalog.rest import RestCatalog  # noqa: TID253
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter

from headrace.systems.lake.hook import TIMEOUT_PROPERTY

CONNECT_S: Final = 5.0
"""Time-out in seconds to connect. The time-out to wait for the next byte is a property of the catalog."""


class TimedAdapter(HTTPAdapter):
    """HTTP adapter that adds time-outs to every request without one."""

    def __init__(self, read_s: float) -> None:
        super().__init__()
        self._timeout = (CONNECT_S, read_s)

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Send the request."""
        kwargs["timeout"] = kwargs.get("timeout") or self._timeout
        return super().send(request, *args, **kwargs)


class TimedRestCatalog(RestCatalog):
    """pyiceberg's REST catalog over sessions with time-outs."""

    def _create_session(self) -> Session:
        session = super()._create_session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, TimedAdapter(float(self.properties[TIMEOUT_PROPERTY])))
        return session
