"""Tokenisation: replace the values of tokenised fields by keyed hashes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as f
from pyspark.sql.functions import arrow_udf  # type: ignore[attr-defined] # its stubs lack it
from pyspark.sql.types import BinaryType, StringType

ENVIRONMENT: Final = "HEADRACE_TOKEN_KEY"
TOKEN_BYTES: Final = 16
"""Bytes of the hash in a token: among 2^32 distinct values a collision has a probability of 2^-65."""


def token(key: bytes, text: str) -> str:
    """Return the HMAC-SHA-256 of the text, cut to 16 bytes, as 22 characters of URL-safe Base64 (RFC 2104, RFC 4648)."""
    digest = hmac.new(key, text.encode(), hashlib.sha256).digest()[:TOKEN_BYTES]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def tokenised(column: str, data_type: Any) -> Column:
    """Return the column's tokens; null stays null. The key comes from the workers' environment, never from the plan."""
    text = f.base64(f.col(column)) if isinstance(data_type, BinaryType) else f.col(column).cast("string")
    tokens: Column = _tokens(text)
    return tokens


@arrow_udf(StringType())  # type: ignore[untyped-decorator]
def _tokens(batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
    key = secret(os.environ)
    for texts in batches:
        known = {text: token(key, text) for text in texts.unique().to_pylist() if text is not None}
        yield pa.array([known.get(text) for text in texts.to_pylist()], pa.string())


def secret(environ: Any) -> bytes:
    """Return the key. Raises ValueError if it is missing or too short, because a hash without a key hides nothing."""
    value = environ.get(ENVIRONMENT, "")
    if len(value) < 32:
        raise ValueError(f"{ENVIRONMENT} must have at least 32 characters; set the password of tokens_default")
    return bytes(value, "utf-8")


def secrets_for(columns: Iterable[str], environ: Any = os.environ) -> None:
    """Raise ValueError before any work if there are columns to tokenise but no key."""
    if any(True for _ in columns):
        secret(environ)
