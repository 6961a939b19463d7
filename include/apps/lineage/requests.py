"""Authentication of requests, and reading and decoding of their bodies within limits."""

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
    """ASGI middleware that requires the API key, except for `open_paths`."""

    def __init__(self, app: ASGIApp, key: bytes, open_paths: frozenset[str]) -> None:
        self.app = app
        self.key = key
        self.open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self.open_paths or self._knows(scope):
            await self.app(scope, receive, send)
        else:
            refusal = Problem(401, "API key is missing or wrong; send `Authorization: Bearer <key>`")
            await problem(refusal)(scope, receive, send)

    def _knows(self, scope: Scope) -> bool:
        given = next((v for k, v in scope["headers"] if k == b"authorization"), b"")
        scheme, _, token = given.partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), self.key)


async def json_body(request: Request, limit: int) -> Any:
    """Read and decode the JSON body, gzip or plain.

    NUL characters in strings are replaced by U+FFFD, because PostgreSQL cannot store them.

    Raises:
        Problem: the body is larger than `limit` bytes, invalid gzip, or not JSON.
    """
    body = await _read(request, limit)
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding == "gzip":
        body = _gunzip(body, limit)
    elif encoding != "identity":
        raise Problem(415, f"content-encoding must be gzip or none; got {encoding!r}")
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, f"the body is not JSON: {error}") from error
    return without_nul(value) if NUL in body else value


def without_nul(value: Any) -> Any:
    """Return the JSON value with every NUL replaced by U+FFFD."""
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
