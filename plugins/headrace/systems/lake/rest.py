"""REST catalog client with time-outs; pyiceberg's own client waits for an answer for ever."""

from __future__ import annotations

from typing import Any, Final

# Only pyiceberg imports this module, when it creates a catalog.
from pyiceberg.catalog.rest import RestCatalog  # noqa: TID253
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter

TIMEOUT_S: Final = (5.0, 60.0)
"""Time-outs in seconds: to connect, and to wait for the next byte."""


class TimedAdapter(HTTPAdapter):
    """HTTP adapter that adds TIMEOUT_S to every request without a time-out."""

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Send the request."""
        kwargs["timeout"] = kwargs.get("timeout") or TIMEOUT_S
        return super().send(request, *args, **kwargs)


class TimedRestCatalog(RestCatalog):
    """pyiceberg's REST catalog over sessions with time-outs."""

    def _create_session(self) -> Session:
        session = super()._create_session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, TimedAdapter())
        return session
