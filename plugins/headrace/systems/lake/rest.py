"""The REST catalog with time-outs: pyiceberg's own waits for an answer without end."""

from __future__ import annotations

from typing import Any, Final

# Only ever imported by pyiceberg itself, when a catalog is made.
from pyiceberg.catalog.rest import RestCatalog  # noqa: TID253
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter

TIMEOUT_S: Final = (5.0, 60.0)
"""To connect, and to wait for the next byte."""


class TimedAdapter(HTTPAdapter):
    """Gives every request without a time-out ours."""

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Sends the request."""
        kwargs["timeout"] = kwargs.get("timeout") or TIMEOUT_S
        return super().send(request, *args, **kwargs)


class TimedRestCatalog(RestCatalog):
    """pyiceberg's REST catalog over sessions that give up."""

    def _create_session(self) -> Session:
        session = super()._create_session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, TimedAdapter())
        return session
