"""Responses of the lineage endpoint: JSON, and errors as one sentence."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response


class Problem(Exception):
    """Error response: HTTP status and one sentence with the cause."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON response of any value that msgspec can encode, e.g. dataclasses and times."""
    body = msgspec.json.encode(content)
    return Response(body, status, headers, media_type="application/json")


def problem(refusal: Problem) -> Response:
    """Return the response for a problem; a 503 contains a Retry-After header."""
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "5"}}
    return answer({"error": refusal.message}, refusal.status, headers.get(refusal.status))
