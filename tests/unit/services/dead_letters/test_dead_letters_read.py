"""Records of dead-letter topics, of a stream and of Kafka Connect, are parsed to dead letters."""

from __future__ import annotations

from datetime import UTC, datetime

from headrace.planning.dead_letters import Refuser
from headrace.services.dead_letters.collect import MANY, severity
from headrace.services.dead_letters.record import Arrived, DeadLetter, Position, parse_dead_letter
from headrace.streaming import decode
from headrace.streaming.dead_letters import headers

STREAM = Refuser("retail", "stream", "dead-letter.retail")
SINK = Refuser("lake-retail", "sink", "dead-letter.lake-retail")
SOURCE = Refuser("cdc-oltp", "source", "dead-letter.cdc-oltp")
DATASETS = {"oltp.retail.products": "retail.products"}
AT = datetime(2026, 11, 24, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)


def read(refuser: Refuser, *found_headers: tuple[str, bytes | None]) -> DeadLetter:
    return parse_dead_letter(refuser, Arrived(0, 7, AT, b"k", b"v", found_headers), DATASETS, NOW)


def test_a_streams_dead_letter_is_read_as_the_stream_wrote_it() -> None:
    recorded = datetime(2026, 11, 1, tzinfo=UTC)
    dead = decode.DeadLetter("oltp.retail.products", 2, 41, b"k", b"v", "no schema", "schema-unknown", recorded)
    found = read(STREAM, *headers(dead, "metrics"))
    assert found.position == Position("retail/metrics", "oltp.retail.products", 2, 41)
    assert (found.dataset, found.rule, found.reason) == ("retail.products", "schema-unknown", "no schema")
    assert (found.recorded_at, found.refused_at) == (recorded, AT)
    assert (found.key, found.payload) == (b"k", b"v")


def test_a_dead_letter_without_a_query_header_is_of_cdc() -> None:
    found = read(STREAM, ("topic", b"t"), ("partition", b"0"), ("offset", b"3"), ("reason", b"why"))
    assert found.position == Position("retail/cdc", "t", 0, 3)
    assert (found.dataset, found.recorded_at) == ("", None)


def test_a_sinks_dead_letter_has_the_step_and_the_root_cause() -> None:
    found_headers = {
        "topic": b"oltp.retail.products",
        "partition": b"1",
        "offset": b"9",
        "stage": b"VALUE_CONVERTER",
        "exception.message": b"Error converting",
        "exception.stacktrace": b"E: Error converting\n\tat x\nCaused by: A: first\n\tat y\nCaused by: B: no artifact 77\n\tat z",
    }
    found = read(SINK, *((f"__connect.errors.{name}", value) for name, value in found_headers.items()))
    assert found.position == Position("lake-retail", "oltp.retail.products", 1, 9)
    assert (found.rule, found.reason) == ("value-converter", "Error converting: B: no artifact 77")
    assert (found.recorded_at, found.refused_at) == (AT, NOW), "Connect keeps the record's own time"


def test_a_sources_dead_letter_has_table_reason_and_its_own_position() -> None:
    found_headers = {
        "topic": b"oltp.retail.products", "table": b"retail.products", "key": b"id=3", "op": b"u", "rule": b"value",
        "lsn": b"4294967552", "committed_at_ms": b"1764000000000", "reason": b'field "d": NaN (key id=3)',
    }  # fmt: skip
    found = read(SOURCE, *found_headers.items())
    assert found.position == Position("cdc-oltp", "dead-letter.cdc-oltp", 0, 7)
    assert (found.dataset, found.rule) == ("retail.products", "value")
    assert found.reason == 'update in retail.products at LSN 1/100: field "d": NaN (key id=3)'
    assert found.recorded_at == datetime(2025, 11, 24, 16, tzinfo=UTC)


def test_a_record_without_its_origin_is_kept() -> None:
    for refuser in (STREAM, SINK, SOURCE):
        found = read(refuser, ("topic", b"t"), ("partition", b"x"))
        assert found.position == Position(refuser.name, refuser.topic, 0, 7)
        assert found.rule == "no-letter"


def test_many_dead_letters_are_an_error() -> None:
    assert (severity(1), severity(MANY - 1), severity(MANY)) == ("warning", "warning", "error")
