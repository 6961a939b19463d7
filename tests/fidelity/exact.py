"""One exact form of every value, the same at each stage, so that two values are equal only when nothing was lost. Pure.

    boolean           bool
    integer           int
    float, double     the shortest text that gives the same bits: `-0.0`, `5e-324`, `nan`, `inf`
    decimal           unscaled number and scale: `(12345, 2)`; `nan`, `inf`, `-inf`
    date              days since 1970; `infinity`, `-infinity`
    instant           microseconds since 1970; `infinity`, `-infinity`
    text, uuid        str
    bytes             bytes
    array             a tuple of these, with None for null

Of a text or bytes of more than `LONG` characters or bytes the length and a hash stand for the whole.
"""

from __future__ import annotations

import math
import struct
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final, Literal, TypeAlias

from tests.fidelity.gregorian import day_text, instant_text

Form: TypeAlias = Literal[
    "boolean", "integer", "float", "double", "decimal", "date", "instant", "text", "uuid", "bytes"
]
Exact: TypeAlias = Any
LONG: Final = 200
SHOWN: Final = 120


def floating(value: float) -> str:
    """The form of a float of either width."""
    return repr(float(value))


def from_float32(value: float) -> str:
    """The form of a 4-byte float that stands in a Python one. Raises ValueError when it does not fit without loss."""
    (narrow,) = struct.unpack("<f", struct.pack("<f", value)) if math.isfinite(value) else (value,)
    if narrow != value and not math.isnan(value):
        raise ValueError(f"{value!r} is no 4-byte float")
    return floating(value)


def decimal(value: Decimal) -> Exact:
    """The form of a decimal, whatever its own scale: trailing zeros do not count."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return "nan" if value.is_nan() else f"{'-' if sign else ''}inf"
    number = int("".join(map(str, digits)) or "0")
    return unscaled(-number if sign else number, -exponent)


def unscaled(number: int, scale: int) -> tuple[int, int]:
    """The form of a decimal by its unscaled number."""
    if number == 0:
        return 0, 0
    while number % 10 == 0:
        number, scale = number // 10, scale - 1
    return number, scale


def text(value: str) -> Exact:
    """The form of a text."""
    if len(value) <= LONG:
        return value
    return f"{len(value)} characters, SHA-256 {sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()}"


def blob(value: bytes) -> Exact:
    """The form of bytes."""
    if len(value) <= LONG:
        return value
    return f"{len(value)} bytes, SHA-256 {sha256(value).hexdigest()}"


def shown(form: Form, value: Exact) -> str:
    """The value for a reader."""
    if isinstance(value, tuple) and form != "decimal":
        return "[" + ", ".join(shown(form, item) for item in value) + "]"
    if form == "date" and isinstance(value, int):
        return day_text(value)
    if form == "instant" and isinstance(value, int):
        return instant_text(value)
    if form == "decimal" and isinstance(value, tuple):
        return _decimal_text(value)
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text)} characters)"


def _decimal_text(value: tuple[Any, ...]) -> str:
    if len(value) == 2 and all(isinstance(part, int) for part in value):
        return f"{value[0]}e{-value[1]}"
    return "[" + ", ".join("null" if item is None else shown("decimal", item) for item in value) + "]"
