from __future__ import annotations

import io
import random
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.systems.kafka.avro_blocks import by_schema, decode, unwrap, wrap

SCHEMA = {
    "type": "record",
    "name": "R",
    "fields": [
        {"name": "op", "type": "string"},
        {"name": "n", "type": ["null", "long"], "default": None},
        {
            "name": "inner",
            "type": {"type": "record", "name": "I", "fields": [{"name": "s", "type": "string"}]},
        },
    ],
}


def _written(row: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(SCHEMA), row)
    return out.getvalue()


def _body(op: str, n: int | None) -> bytes:
    return _written({"op": op, "n": n, "inner": {"s": op * 3}})


@given(st.lists(st.tuples(st.text(max_size=20), st.none() | st.integers(-(2**63), 2**63 - 1))))
@settings(max_examples=60, deadline=None)
def test_a_block_decodes_to_what_was_written(rows: list[tuple[str, int | None]]) -> None:
    decoded = decode(SCHEMA, [_body(*row) for row in rows])
    assert decoded.unreadable == ()
    assert decoded.frame.select("op", "n").rows() == rows
    assert [row["s"] for row in decoded.frame["inner"]] == [op * 3 for op, _ in rows]


def test_only_the_wanted_columns_are_made() -> None:
    assert decode(SCHEMA, [_body("c", 1)] * 3, ("n",)).frame.columns == ["n"]


POISON = [
    b"",
    b"\x02",
    b"\xff" * 40,
    b"\xfe\xff\xff\xff\xff\x7f",
    _body("c", 5)[:-1],
    _body("c", 5) + b"\0",
    _body("c", 5) * 2,
]


@pytest.mark.parametrize("poison", POISON)
@pytest.mark.parametrize("place", [0, 3, 6])
def test_poison_is_isolated_and_its_neighbours_pass(poison: bytes, place: int) -> None:
    bodies = [_body("c", number) for number in range(6)]
    bodies.insert(place, poison)
    decoded = decode(SCHEMA, bodies, ("op", "n"))
    assert decoded.unreadable == (place,)
    assert decoded.frame["n"].to_list() == list(range(6))


def test_garbage_never_hangs_the_reader_nor_escapes_as_a_panic() -> None:
    generator = random.Random(7)
    good = _body("create", 2**40)
    for _ in range(300):
        bad = bytearray(good[: generator.randrange(len(good))]) or bytearray(1)
        bad[generator.randrange(len(bad))] = generator.randrange(256)
        decoded = decode(SCHEMA, [good, bytes(bad), good])
        assert decoded.unreadable in ((1,), ())
        if decoded.unreadable == ():  # a byte of a string or number, or nothing, was changed: still one record
            assert len(_written(decoded.frame.row(1, named=True))) == len(bad)


def test_the_wire_format_is_taken_apart_and_put_together() -> None:
    assert unwrap(wrap(70_000, b"abc")) == (70_000, b"abc")
    assert unwrap(b"\x01\0\0\0\x01x") is None
    assert unwrap(b"\0\0\0") is None


def test_values_are_grouped_by_schema_and_foreign_values_are_separated() -> None:
    known, foreign = by_schema([wrap(1, b"a"), None, b"json", wrap(2, b"b"), wrap(1, b"c")])
    assert known == {1: [0, 4], 2: [3]}
    assert foreign == (2,)
