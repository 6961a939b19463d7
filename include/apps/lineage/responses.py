"""Answers: JSON, and problems as one sentence."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response


class Problem(Exception):
    """The request cannot be done: HTTP status and one sentence that says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON of anything that msgspec encodes, dataclasses and times included."""
    body = msgspec.json.encode(content)
    return Response(body, status, headers, media_type="application/json")


def problem(refusal: Problem) -> Response:
    """The answer for a problem; says when to try again where trying again helps."""
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "5"}}
    return answer({"error": refusal.message}, refusal.status, headers.get(refusal.status))
