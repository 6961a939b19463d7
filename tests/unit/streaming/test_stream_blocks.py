"""Reading many records at once: whatever one record is like, its neighbours come out as they went in."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.streaming.blocks import UnreadableRecords, read_block
from headrace.streaming.decode import Chunk, DeadLetter, decode
from headrace.streaming.writer import compile_writer
from tests.support.change_records import SCHEMA_ID, SCHEMAS, batch, change, encoded, row, writer_of

WRITER = compile_writer(SCHEMA_ID, SCHEMAS[SCHEMA_ID])
GOOD = [encoded(change("c", row(key, note="n" * (key % 9)))) for key in range(12)]


def columns_of(values: list[bytes]) -> list[dict[str, object]]:
    return read_block(WRITER, pa.array(values, pa.binary())).to_pylist()


EXPECTED = columns_of(GOOD)


def read(values: list[bytes | None]) -> tuple[dict[int, dict[str, object]], list[DeadLetter]]:
    """Rows by offset, and dead letters."""

    def step(chunk: Chunk) -> list[tuple[int, dict[str, object]]]:
        offsets = chunk.records["offset"].to_pylist()
        return list(zip(offsets, chunk.columns.to_pylist(), strict=True))

    made, dead = decode(batch(values), writer_of, step)
    return dict(pair for part in made for pair in part), dead


def test_a_block_gives_the_records_in_order() -> None:
    assert [c["after"]["product"] for c in EXPECTED] == list(range(12))
    assert {c["op"] for c in EXPECTED} == {"c"}


def test_a_part_of_an_array_is_read_by_itself() -> None:
    whole = pa.array(GOOD, pa.binary())
    assert read_block(WRITER, whole.slice(3, 4)).to_pylist() == EXPECTED[3:7]


@pytest.mark.parametrize("cut", range(1, len(GOOD[4]) - 5))
def test_a_record_cut_short_is_set_aside_alone(cut: int) -> None:
    rows, dead = read([*GOOD[:4], GOOD[4][:-cut], *GOOD[5:]])
    assert [each.offset for each in dead] == [4]
    assert rows == {i: EXPECTED[i] for i in range(12) if i != 4}


@pytest.mark.parametrize("more", [b"\0", b"\x02", GOOD[5][5:], GOOD[5], GOOD[4][5:]])
def test_a_record_with_more_behind_it_is_set_aside_alone(more: bytes) -> None:
    for place in (0, 4, 11):  # also last: there the reader has bytes left, on which it would spin for ever
        values = [*GOOD[:place], GOOD[place] + more, *GOOD[place + 1 :]]
        rows, dead = read(values)
        assert [each.offset for each in dead] == [place]
        assert rows == {i: EXPECTED[i] for i in range(12) if i != place}


def test_records_that_slide_into_each_other_and_fit_again_are_found() -> None:
    """A record that swallows the next one whole, and one that holds two: the counts agree, the neighbours do not."""
    swallowed = encoded(change("c", row(1, note="")))
    frame = encoded(change("c", row(2)))
    long_note = encoded(change("c", row(1, note="x" * (len(frame) + 8))))
    head = long_note[: long_note.index(b"x" * 20)]
    tail = long_note[long_note.index(b"x" * 20) + len(frame) + 8 :]
    assert head + b"x" * (len(frame) + 8) + tail == long_note
    two = GOOD[3] + GOOD[4]
    rows, dead = read([GOOD[0], head, frame, tail, two, GOOD[5], swallowed])
    assert rows[0] == EXPECTED[0]
    assert rows[5] == EXPECTED[5]
    assert {1, 3, 4} <= {each.offset for each in dead}
    assert rows[2]["after"]["product"] == 2


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_one_record_is_its_neighbours_come_out_as_they_went_in(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, 11))
    value = bytearray(GOOD[place])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(5, max(5, len(value) - 1)))
        match data.draw(st.sampled_from(["set", "cut", "put"])):
            case "set":
                value[at : at + 1] = data.draw(st.binary(min_size=1, max_size=1))
            case "cut":
                del value[at : at + data.draw(st.integers(1, 20))]
            case "put":
                value[at:at] = data.draw(st.binary(min_size=1, max_size=20))
    rows, dead = read([*GOOD[:place], bytes(value), *GOOD[place + 1 :]])
    assert {i: row for i, row in rows.items() if i != place} == {i: EXPECTED[i] for i in range(12) if i != place}
    assert [each.offset for each in dead] in ([], [place])
    assert (place in rows) != bool(dead)


def test_no_record_at_all_is_refused() -> None:
    with pytest.raises(UnreadableRecords):
        columns_of([b"\0\0\0\0\x07"])
