"""Batch decoding of Avro records: record bodies become one in-memory Avro file, read by polars.

A record on a topic is byte 0, a four-byte schema id and the body (Confluent's wire format). The bodies of one writer
schema, laid end to end behind a file header, are a valid Avro file. So one call decodes a whole batch.

The risk: after a record that is cut short or has a wrong length, the reader continues in its neighbours, and the result
can look right. So a random number (the mark) follows every record, and the schema reads it as the record's last field.
A mark that is read back unchanged proves that its record ended where its bytes end, and that the next record began
where its bytes begin. The chance of hitting a mark by accident is 2^-52.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    import pyarrow as pa

HEADER_BYTES: Final = 5
SYNC: Final = bytes(16)
MARK: Final = "_mark"
MARK_BYTES: Final = 8


class Wire(NamedTuple):
    """Parts of a record value: id of the writer schema, and Avro body."""

    schema_id: int
    body: bytes


class Decoded(NamedTuple):
    """Result of decoding a batch."""

    frame: pl.DataFrame
    """One row per readable body, in order."""
    unreadable: tuple[int, ...]
    """Indexes of the bodies that cannot be read."""


def unwrap(value: bytes) -> Wire | None:
    """Return the parts of a record in the wire format; None for another format."""
    if len(value) < HEADER_BYTES or value[0] != 0:
        return None
    return Wire(int.from_bytes(value[1:HEADER_BYTES], "big"), value[HEADER_BYTES:])


def wrap(schema_id: int, body: bytes) -> bytes:
    """Return a record value in the wire format; the inverse of `unwrap`."""
    return b"\0" + schema_id.to_bytes(4, "big") + body


def marked_header(schema: Mapping[str, Any]) -> bytes:
    """Return the header of an uncompressed Avro file for a record schema with the mark as its last field."""
    marked = {**schema, "fields": [*schema["fields"], {"name": MARK, "type": "double"}]}
    text = json.dumps(marked, separators=(",", ":")).encode()
    entries = b"".join(long(len(part)) + part for part in (b"avro.schema", text, b"avro.codec", b"null"))
    return b"Obj\x01" + long(2) + entries + long(0) + SYNC


def read_block(header: bytes, values: pa.BinaryArray, columns: Sequence[str]) -> pa.RecordBatch:
    """Return these columns of the values (1 or more, none null), in the same order.

    `header` comes from `marked_header`.

    Raises:
        ValueError: not every value is exactly one record of the header's schema.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    # The public read_avro takes 2 ms longer per call: too much for the small batches of a stream.
    from polars_avro._avro_rs import AvroSource

    count = len(values)
    marks = _generator().random(count)
    data = _contents(pc.binary_join_element_wise(values, _as_binary(marks), b""))
    block = b"".join((header, long(count), long(len(data)), data, SYNC))
    with _reader_errors():
        source = AvroSource([lambda: _opened(block)], False, False)
        # Read only one batch: the reader loops for ever on bytes left in a block.
        found = pa.record_batch(next(iter(source.batch_iter(count, [*columns, MARK]))))
    if found.num_rows != count or not np.array_equal(found[MARK].to_numpy(), marks):
        raise ValueError("the record's length does not fit the schema")
    return found.select(list(columns))


def read(schema: Any, bodies: Sequence[bytes], columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Return the records of a record schema as a frame, with these columns only if given.

    Raises:
        ValueError: not every body is exactly one record of the schema.
    """
    import polars as pl
    import pyarrow as pa

    header = marked_header(schema)
    wanted = [field["name"] for field in schema["fields"] if not columns or field["name"] in columns]
    try:
        if not bodies:
            return _nothing(header).select(wanted)
        return pl.DataFrame(read_block(header, pa.array(bodies, pa.binary()), wanted))
    except ValueError as error:
        raise ValueError(f"{len(bodies)} Avro records cannot be read: {error}") from error


def decode(schema: Any, bodies: Sequence[bytes], columns: Sequence[str] | None = None) -> Decoded:
    """Return the readable records. A batch that fails is halved until its unreadable records are isolated."""
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
            pending += [(middle, end), (start, middle)]  # a stack: the first half is next
    frame = pl.concat(frames) if frames else read(schema, (), columns)
    return Decoded(frame, tuple(unreadable))


def by_schema(values: Iterable[bytes | None]) -> tuple[Mapping[int, list[int]], tuple[int, ...]]:
    """Return the indexes of the values by schema id, and of those not in the wire format. None values are left out."""
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


@cache
def _generator() -> np.random.Generator:
    import numpy as np

    return np.random.default_rng()


def _as_binary(marks: np.ndarray) -> pa.BinaryArray:
    import numpy as np
    import pyarrow as pa

    offsets = np.arange(0, (len(marks) + 1) * MARK_BYTES, MARK_BYTES, dtype=np.int32)
    return pa.Array.from_buffers(pa.binary(), len(marks), [None, pa.py_buffer(offsets), pa.py_buffer(marks)])


def _contents(values: pa.BinaryArray) -> memoryview:
    """Return the bytes of all values, end to end."""
    import numpy as np

    offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    return memoryview(values.buffers()[2])[offsets[0] : offsets[-1]]


def _nothing(header: bytes) -> pl.DataFrame:
    """Return an empty frame of the header's schema. Reads no block, because the reader may loop on an empty one."""
    import polars as pl
    import pyarrow as pa
    from polars_avro._avro_rs import AvroSource

    with _reader_errors():
        source = AvroSource([lambda: _opened(header)], False, False)
        return pl.DataFrame(pa.schema(source.schema()).empty_table())


@contextmanager
def _reader_errors() -> Iterator[None]:
    """Raise the reader's errors as ValueError: it raises several classes, and its panic is not even an Exception."""
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
    """Return the number as Avro's zig-zag variable-length integer."""
    rest = (number << 1) ^ (number >> 63)
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)
