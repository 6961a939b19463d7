"""Many Avro records at once: bare record bodies become one in-memory Avro file, read by polars.

A record on a topic is byte 0, a four-byte schema id and the body (Confluent's wire format). The
bodies of one writer schema, laid end to end behind a file header, are a valid Avro file: decoding
costs one call for a whole batch instead of one a record.

A body that is too short or too long would let the reader slide into its neighbours. So a random
mark is laid after each body, which the schema reads back as one more field: as many records as
bodies, each ending in the mark, means that each was read from its own bytes.
"""

from __future__ import annotations

import io
import json
import random
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

HEADER_BYTES: Final = 5
SYNC: Final = bytes(16)
MARK: Final = "__mark"


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


def file_header(schema: Any) -> bytes:
    """The header of an uncompressed Avro object container file."""
    text = json.dumps(schema, separators=(",", ":")).encode()
    entries = b"".join(long(len(part)) + part for part in (b"avro.schema", text, b"avro.codec", b"null"))
    return b"Obj\x01" + long(2) + entries + long(0) + SYNC


def read_block(header: bytes, count: int, data: bytes | memoryview, columns: Sequence[str]) -> pa.RecordBatch:
    """These columns of the `count` (1 or more) records that `data` holds end to end, written by the header's schema.

    Raises:
        ValueError: the reader cannot make sense of the data. That it can says nothing of where each record ended.
    """
    import pyarrow as pa

    # The public read_avro costs 2 ms a call more: too much for the small batches of a stream.
    from polars_avro._avro_rs import AvroSource

    block = b"".join((header, long(count), long(len(data)), data, SYNC))
    with _reader_errors():
        source = AvroSource([lambda: _opened(block)], False, False)
        # One batch and never a second: the reader spins for ever on bytes left in a block.
        return pa.record_batch(next(iter(source.batch_iter(count, list(columns)))))


def read(schema: Any, bodies: Sequence[bytes], columns: Sequence[str] | None = None) -> pl.DataFrame:
    """The records of a record schema as a frame, of these columns only when given.

    Raises:
        ValueError: not every body is exactly one record of the schema.
    """
    import polars as pl

    count = len(bodies)
    mark = random.random()  # noqa: S311
    seal = struct.pack("<d", mark)
    marked = {**schema, "fields": [*schema["fields"], {"name": MARK, "type": "double"}]}
    header = file_header(marked)
    wanted = [field["name"] for field in schema["fields"] if not columns or field["name"] in columns]
    try:
        if not count:
            return _nothing(header).select(wanted)
        frame = pl.DataFrame(read_block(header, count, seal.join((*bodies, b"")), [*wanted, MARK]))
    except ValueError as error:
        raise ValueError(f"{count} Avro records cannot be read: {error}") from error
    if frame.height != count or not bool((frame[MARK] == mark).all()):
        raise ValueError(f"{count} Avro records do not end where their schema says")
    return frame.drop(MARK)


def decode(schema: Any, bodies: Sequence[bytes], columns: Sequence[str] | None = None) -> Decoded:
    """The readable records; halving a batch that fails isolates the ones that are not."""
    import polars as pl

    frames: list[pl.DataFrame] = []
    unreadable: list[int] = []
    pending = [(0, len(bodies))]
    while pending:
        start, end = pending.pop()
        try:
            frames.append(read(schema, bodies[start:end], columns))
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


def _nothing(header: bytes) -> pl.DataFrame:
    """No record of the header's schema; not read as a block, because the reader may spin on an empty one."""
    import polars as pl
    import pyarrow as pa
    from polars_avro._avro_rs import AvroSource

    with _reader_errors():
        source = AvroSource([lambda: _opened(header)], False, False)
        return pl.DataFrame(pa.schema(source.schema()).empty_table())


@contextmanager
def _reader_errors() -> Iterator[None]:
    """What the reader raises as ValueError: several classes, and a panic of it is not even an Exception."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise ValueError(str(error)) from error


@contextmanager
def _opened(block: bytes) -> Iterator[io.BytesIO]:
    yield io.BytesIO(block)


def long(number: int) -> bytes:
    """Avro's zig-zag variable-length integer."""
    rest = (number << 1) ^ (number >> 63)
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)
