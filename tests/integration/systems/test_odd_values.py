"""Rows of other people's databases: each is carried exactly or told, and the neighbours trade on."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import fastavro
import pytest

from headrace.contracts import names
from headrace.planning.dead_letters import Refuser, datasets_by_topic, refusers
from headrace.services.connectors.missed_deletes import Progress
from headrace.services.connectors.rereading import reread
from headrace.services.dead_letters.collect import _arrived
from headrace.services.dead_letters.record import DeadLetter, parse_dead_letter
from headrace.systems.kafka.avro_blocks import unwrap
from headrace.systems.kafka.reading import messages_to_end, read_to_end
from tests.integration.systems.serving import Server
from tests.integration.systems.world import AT, ID, NOTE, TOTAL, World
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

NUMERIC = {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}


def _nullable(name: str, number: int, avro: Any) -> dict[str, Any]:
    return {"name": name, "field-id": number, "type": ["null", avro], "default": None, "doc": "Odd."}


def _array(name: str, number: int, element: Any) -> dict[str, Any]:
    avro = {"type": "array", "items": ["null", element], "element-id": number + 1}
    return {"name": name, "field-id": number, "type": avro, "default": [], "doc": "Odd."}


DATE = {"type": "int", "logicalType": "date"}
ODD = (
    ID,
    {**TOTAL, "name": "must"},
    _nullable("may", 3, NUMERIC),
    _nullable("day", 4, DATE),
    _nullable("at", 5, AT["type"]),
    {**NOTE, "field-id": 6},
    _nullable("long", 7, "string"),
    _array("numbers", 10, NUMERIC),
    _array("days", 12, DATE),
    _array("texts", 14, "string"),
)
TABLE = """
    CREATE TABLE shop.odd (
        id bigint PRIMARY KEY, must numeric(12,2) NOT NULL DEFAULT 1, may numeric(12,2), day date, at timestamptz,
        note text DEFAULT 'n/a', long text, numbers numeric(12,2)[] NOT NULL DEFAULT '{}',
        days date[] NOT NULL DEFAULT '{}', texts text[] NOT NULL DEFAULT '{}'
    );
    ALTER TABLE shop.odd REPLICA IDENTITY FULL; GRANT SELECT ON shop.odd TO cdc"""
CARRIED: tuple[tuple[str, str, Any], ...] = (
    ("may", "9999999999.99", Decimal("9999999999.99")),
    ("may", "NULL", None),
    ("note", "NULL", None),
    ("note", "DEFAULT", "n/a"),
    ("day", "'0001-01-01'", -719162),
    ("day", "'1500-03-01'", -171605),
    ("day", "'1850-01-01'", -43829),
    ("day", "'9999-12-31'", 2932896),
    ("at", "'0001-01-01 00:00Z'", "0001-01-01T00:00:00.000000Z"),
    ("at", "'1582-10-10 00:00Z'", "1582-10-10T00:00:00.000000Z"),
    ("at", "'9999-12-31 23:59:59.999999Z'", "9999-12-31T23:59:59.999999Z"),
    ("numbers", "'{1.5,NULL,-0.01}'", [Decimal("1.50"), None, Decimal("-0.01")]),
    ("numbers", "'{}'", []),
    ("days", "'{0001-01-01,1850-01-01,NULL}'", [-719162, -43829, None]),
    ("texts", """'{"a,b","q\\"\\\\",NULL,"NULL","",ü🙂}'""", ["a,b", 'q"\\', None, "NULL", "", "ü🙂"]),
)
"""Column, SQL, and what the change record has: all of it arrives in raw."""
REFUSED_BY_SINK: tuple[tuple[str, str, Any], ...] = (
    ("day", "'0044-03-15 BC'", -735160),
    ("day", "'5874897-12-31'", 2145042905),
    ("at", "'infinity'", "infinity"),
    ("at", "'-infinity'", "-infinity"),
    ("at", "'0044-03-15 00:00Z BC'", "-0043-03-15T00:00:00.000000Z"),
    ("at", "'294276-12-31 23:59Z'", "+294276-12-31T23:59:00.000000Z"),
    ("days", "'{0044-03-15 BC}'", [-735160]),
)
"""The same of what the change record has, and Iceberg's readers have not."""
REFUSED_BY_SOURCE = (
    ("must", "'NaN'"),
    ("may", "'NaN'"),
    ("day", "'infinity'"),
    ("day", "'-infinity'"),
    ("numbers", "'{1,NaN}'"),
    ("numbers", "'{{1,2},{3,4}}'"),
    ("numbers", "'[0:1]={1,2}'"),
    ("days", "'{infinity}'"),
    ("texts", "'{{a},{b}}'"),
)
CASES = tuple((column, text) for column, text, *_ in (*CARRIED, *REFUSED_BY_SINK, *REFUSED_BY_SOURCE))
STREAMED = 1000
MEGABYTES = "(SELECT string_agg(md5(n::text), '') FROM generate_series(1, {} * 32768) n)"


@pytest.fixture
def odd(world: World) -> Iterator[World]:
    """Every odd row once in the snapshot and once in the stream, then what follows them; a neighbour after all of it."""
    for dataset in ("quiet", "cleared"):
        world.make_table(dataset, rows=3)
        world.declare(dataset, ID, TOTAL, AT)
    world.declare("odd", *ODD)
    world.sql(TABLE)
    _insert(world, 0)
    world.sql("INSERT INTO shop.odd (id, day) VALUES (7001, '1582-10-10')")
    world.apply()
    wait_until(lambda: len(_changes(world, "quiet")) == 3, 120, "the snapshot")
    _insert(world, STREAMED)
    world.sql(
        "INSERT INTO shop.odd (id, may) VALUES (5001, 1); UPDATE shop.odd SET may = 'NaN' WHERE id = 5001;"
        "UPDATE shop.odd SET may = 2 WHERE id = 5001;"
        "INSERT INTO shop.odd (id, may) VALUES (5002, 'NaN'); DELETE FROM shop.odd WHERE id = 5002"
    )
    world.sql("INSERT INTO shop.odd (id, day) VALUES (7002, '1582-10-10')")
    world.sql(f"INSERT INTO shop.odd (id, long) SELECT 6001, {MEGABYTES.format(12)}")
    world.sql("UPDATE shop.odd SET may = 3 WHERE id = 6001")
    world.sql(f"INSERT INTO shop.odd (id, long) SELECT 6002, {MEGABYTES.format(33)}")
    world.sql("TRUNCATE shop.cleared; INSERT INTO shop.cleared VALUES (9, 9, '2024-01-01Z')")
    world.sql("INSERT INTO shop.quiet VALUES (100, 1.25, '2024-05-05Z')")
    wait_until(lambda: len(_changes(world, "quiet")) == 4, 120, f"the neighbour: {_why(world)}")
    yield world


def _why(world: World) -> str:
    status = world.systems.connect.status(world.source)
    return str(status and status.failures)


def _insert(world: World, base: int) -> None:
    for number, (column, text) in enumerate(CASES, base + 1):
        world.sql(f"INSERT INTO shop.odd (id, {column}) VALUES ({number}, {text})")


def _changes(world: World, dataset: str) -> list[dict[str, Any]]:
    """Every change record of the dataset."""
    topic = names.topic(world.contract(dataset))
    found = []
    for batch in read_to_end(world.systems.kafka, topic, {}, world.systems.kafka.end_offsets(topic)):
        for value in batch.values:
            if value is not None:
                wire = unwrap(value)
                assert wire
                schema = fastavro.parse_schema(dict(world.systems.registry.schema(wire.schema_id)))
                found.append(fastavro.schemaless_reader(io.BytesIO(wire.body), schema, None))
    return found  # type: ignore[return-value]


def _dead_letters(world: World, refuser: Refuser) -> list[DeadLetter]:
    kafka, datasets = world.systems.kafka, datasets_by_topic(world.contracts)
    end = kafka.end_offsets(refuser.topic)
    return [
        parse_dead_letter(refuser, _arrived(message), datasets, datetime.now(UTC))
        for messages in messages_to_end(kafka, refuser.topic, {}, end)
        for message in messages
    ]


def test_every_odd_row_is_carried_exactly_or_reported(odd: World) -> None:
    by_kind = {refuser.kind: refuser for refuser in refusers(odd.contracts)}
    changes = _changes(odd, "odd")
    rows = {change["after"]["id"]: change["after"] for change in changes if change["op"] in "cr"}
    dead_letters = _dead_letters(odd, by_kind["source"])
    refused = {
        int(found.reason.rpartition("key id=")[2].rstrip(")")): found for found in dead_letters if found.rule == "value"
    }
    for number, (column, text) in enumerate(CASES, 1):
        for key in (number, STREAMED + number):
            if number > len(CASES) - len(REFUSED_BY_SOURCE):
                assert key not in rows, (column, text)
                assert f'field "{column}"' in refused[key].reason
                if "infinity" in text and column == "day":
                    assert f": {text[1:-1]} cannot be carried" in refused[key].reason
                assert refused[key].dataset == f"{odd.name}.odd"
            else:
                wanted = (*CARRIED, *REFUSED_BY_SINK)[number - 1][2]
                assert rows[key][column] == wanted, (key, column, text)
    assert "October 1582" in refused[7001].reason  # the driver reads a date wrongly, and only in a snapshot
    assert rows[7002]["day"] == -141432
    assert len(refused) == 2 * len(REFUSED_BY_SOURCE) + 3
    assert _story(changes, 5001) == [("c", None, Decimal(1)), ("d", Decimal(1), None), ("c", None, Decimal(2))]
    assert _story(changes, 5002) == []
    assert _story(changes, 6001) == [("c", None, None), ("u", None, Decimal(3))]
    assert len(rows[6001]["long"]) == 12 << 20
    (large,) = (found for found in dead_letters if found.rule == "too-large")
    assert 'most of them in field "long"' in large.reason
    assert "key id=6002" in large.reason
    (truncated,) = (found for found in dead_letters if found.rule == "truncate")
    assert truncated.reason.startswith("truncate in shop.cleared at LSN ")
    assert truncated.dataset == f"{odd.name}.cleared"
    _sink_lands_the_rest(odd, by_kind["sink"], len(changes))
    _the_truncated_table_is_read_anew_and_no_other(odd)


def _story(changes: list[dict[str, Any]], key: int) -> list[tuple[Any, ...]]:
    def may(row: Any) -> Any:
        return row and row["may"]

    mine = [c for c in changes if (c["after"] or c["before"])["id"] == key]
    return [(c["op"], may(c["before"]), may(c["after"])) for c in mine]


def _sink_lands_the_rest(odd: World, sink: Refuser, changes: int) -> None:
    refused = 2 * len(REFUSED_BY_SINK)
    table = odd.systems.lake.catalog.load_table(names.raw_table(odd.contract("odd")))

    def landed() -> list[int]:
        return sorted(table.refresh().scan(selected_fields=("id",)).to_arrow()["id"].to_pylist())

    wait_until(lambda: len(landed()) == changes - refused, 120, "raw")
    dead_letters = _dead_letters(odd, sink)
    assert len(dead_letters) == refused
    assert {found.dataset for found in dead_letters} == {f"{odd.name}.odd"}
    assert any('field "at" (ZonedTimestamp): infinity is no instant' in found.reason for found in dead_letters)
    day = table.scan("id in (5, 6, 7, 8, 7002)", selected_fields=("id", "day")).to_arrow().to_pylist()
    assert {str(row["day"]) for row in day} == {"0001-01-01", "1500-03-01", "1582-10-10", "1850-01-01", "9999-12-31"}
    assert odd.systems.connect.wait(names.sink_connector(odd.name), "RUNNING")
    assert odd.systems.connect.wait(odd.source, "RUNNING")


def _the_truncated_table_is_read_anew_and_no_other(odd: World) -> None:
    contract = odd.contract("cleared")
    server = Server(odd.systems, contract)
    server.run()
    assert _served(odd) == [1, 2, 3, 9]
    progress = Progress(60, 0.1, lambda seconds: server.run())
    assert reread(odd.systems, odd.name, [contract], odd.log.append, progress=progress) == 3
    server.run()
    assert _served(odd) == [9]
    assert len(_changes(odd, "quiet")) == 4


def _served(odd: World) -> list[int]:
    return [row[0] for row in odd.systems.warehouse.rows(f"SELECT id FROM {odd.name}.cleared ORDER BY id")]
