"""Many Avro records at once: bare record bodies become one in-memory Avro file, read by polars.

A record on a topic is byte 0, a four-byte schema id and the body (Confluent's wire format). The
bodies of one writer schema, laid end to end behind a file header, are a valid Avro file: decoding
costs one call for a whole batch instead of one a record.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    import polars as pl

HEADER_BYTES: Final = 5
SYNC: Final = bytes(16)
ROWS_A_CHUNK: Final = 65_536


class Wire(NamedTuple):
    """A record value taken apart: which schema wrote it, and what it wrote."""

    schema_id: int
    body: bytes


class Decoded(NamedTuple):
    """What came of a batch."""

    frame: pl.DataFrame
    """One row for each readable body, in order."""
    unreadable: tuple[int, ...]
    """Indexes of the bodies that no row stands for."""


def unwrap(value: bytes) -> Wire | None:
    """The parts of a record in the wire format; None when it is in no such format."""
    if len(value) < HEADER_BYTES or value[0] != 0:
        return None
    return Wire(int.from_bytes(value[1:HEADER_BYTES], "big"), value[HEADER_BYTES:])


def wrap(schema_id: int, body: bytes) -> bytes:
    """The inverse of `unwrap`."""
    return b"\0" + schema_id.to_bytes(4, "big") + body


def file(schema: Any, bodies: Sequence[bytes]) -> bytes:
    """An Avro object container file of one block: the records that these bodies encode."""
    data = b"".join(bodies)
    text = json.dumps(schema).encode()
    return b"".join(
        (
            b"Obj\x01\x04",  # magic; a map of two entries follows
            _text(b"avro.schema"),
            _text(text),
            _text(b"avro.codec"),
            _text(b"null"),
            b"\0",
            SYNC,
            _long(len(bodies)),
            _long(len(data)),
            data,
            SYNC,
        )
    )


def read(
    schema: Any, bodies: Sequence[bytes], columns: Sequence[str] | None = None
) -> pl.DataFrame:
    """The records as a frame, of these columns only when given.

    Raises:
        ValueError: at least one body is no record of the schema.
    """
    import polars_avro

    try:
        return polars_avro.read_avro(
            io.BytesIO(file(schema, bodies)), columns=columns, batch_size=ROWS_A_CHUNK
        )
    except Exception as error:  # the reader has no error class of its own
        raise ValueError(f"{len(bodies)} Avro records cannot be read: {error}") from error


def decode(
    schema: Any,
    bodies: Sequence[bytes],
    columns: Sequence[str] | None = None,
    plausible: Callable[[pl.DataFrame], bool] = lambda frame: True,
) -> Decoded:
    """The readable records; halving a batch that fails isolates the ones that are not.

    `plausible` tells a batch that decoded from one whose bodies slid into each other.
    """
    import polars as pl

    frames: list[pl.DataFrame] = []
    unreadable: list[int] = []
    pending = [(0, len(bodies))]
    while pending:
        start, end = pending.pop()
        try:
            frame = read(schema, bodies[start:end], columns)
            if frame.height != end - start or not plausible(frame):
                raise ValueError("the records are not what they seem")
            frames.append(frame)
        except ValueError:
            if end - start == 1:
                unreadable.append(start)
                continue
            middle = (start + end) // 2
            pending += [(middle, end), (start, middle)]  # a stack: the first half comes next
    frame = pl.concat(frames) if frames else read(schema, (), columns)
    return Decoded(frame, tuple(unreadable))


def by_schema(values: Iterable[bytes | None]) -> tuple[Mapping[int, list[int]], tuple[int, ...]]:
    """Indexes of the values by schema id, and of those in no wire format. None is left out."""
    known: dict[int, list[int]] = {}
    foreign: list[int] = []
    for index, value in enumerate(values):
        if value is None:
            continue
        if len(value) < HEADER_BYTES or value[0] != 0:
            foreign.append(index)
        else:
            known.setdefault(int.from_bytes(value[1:HEADER_BYTES], "big"), []).append(index)
    return known, tuple(foreign)


def _long(number: int) -> bytes:
    """Avro's zig-zag variable-length integer."""
    rest = (number << 1) ^ (number >> 63)
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def _text(value: bytes) -> bytes:
    return _long(len(value)) + value
