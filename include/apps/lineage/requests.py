"""A request's body and key: read within limits, decoded, checked."""

from __future__ import annotations

import hmac
import zlib
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from include.apps.lineage.responses import Problem, problem

NUL = b"\\u0000"


class RequireKey:
    """Lets a request in when it presents the API key; `open_paths` need none."""

    def __init__(self, app: ASGIApp, key: bytes, open_paths: frozenset[str]) -> None:
        self.app = app
        self.key = key
        self.open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self.open_paths or self._knows(scope):
            await self.app(scope, receive, send)
        else:
            refusal = Problem(401, "no or wrong API key; send `Authorization: Bearer <key>`")
            await problem(refusal)(scope, receive, send)

    def _knows(self, scope: Scope) -> bool:
        given = next((v for k, v in scope["headers"] if k == b"authorization"), b"")
        scheme, _, token = given.partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), self.key)


async def json_body(request: Request, limit: int) -> Any:
    """The decoded body, gzip or plain.

    NUL characters inside strings become U+FFFD: PostgreSQL cannot hold them.

    Raises:
        Problem: larger than `limit` bytes, not gzip though it says so, or not JSON.
    """
    body = await _read(request, limit)
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding == "gzip":
        body = _gunzip(body, limit)
    elif encoding != "identity":
        raise Problem(415, f"content-encoding {encoding!r} is not known; send gzip or none")
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, f"the body is not JSON: {error}") from error
    return without_nul(value) if NUL in body else value


def without_nul(value: Any) -> Any:
    """The same JSON value with U+FFFD for every NUL."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, list):
        return [without_nul(item) for item in value]
    if isinstance(value, dict):
        return {without_nul(key): without_nul(item) for key, item in value.items()}
    return value


async def _read(request: Request, limit: int) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _gunzip(body: bytes, limit: int) -> bytes:
    inflater = zlib.decompressobj(wbits=31)
    try:
        plain = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise Problem(400, f"the body is not gzip: {error}") from error
    if len(plain) > limit:
        raise _too_large(limit)
    if not inflater.eof:
        raise Problem(400, "the body is not gzip: it ends too early")
    return plain


def _too_large(limit: int) -> Problem:
    return Problem(413, f"the body is larger than {limit} bytes; send fewer events at a time")
