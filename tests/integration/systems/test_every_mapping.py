"""Every PostgreSQL type that the docs list comes as its contract says, and a second plan finds nothing to do."""

from __future__ import annotations

import time
from typing import Any, Final

import pytest

from headrace.contracts import names
from headrace.planning.render import render
from headrace.systems.kafka.counter import count_changes
from headrace.systems.kafka.counting import TopicCount
from headrace.systems.oltp.drift import TYPES
from tests.integration.systems.world import ID, World

pytestmark = pytest.mark.slow

WRITTEN: Final[dict[str, Any]] = {
    "decimal": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2},
    "date": {"type": "int", "logicalType": "date"},
    "timestamp-millis": {"type": "long", "logicalType": "timestamp-millis"},
    "timestamp-micros": {"type": "long", "logicalType": "timestamp-micros"},
    "uuid": {"type": "string", "logicalType": "uuid"},
}
VALUES: Final = {
    "boolean": "true", "bytea": r"\x00ff", "json": '{"a": 1}', "jsonb": '{"a": 1}', "xml": "<a/>", "date": "2024-02-29",
    "timestamp with time zone": "2024-02-29 10:00:00.123456+00", "uuid": "550e8400-e29b-41d4-a716-446655440000",
}  # fmt: skip
ARRAYS: Final = ("boolean", "bigint", "text", "numeric", "date", "timestamp with time zone", "uuid")


def _columns() -> list[tuple[str, str, Any, str]]:
    """(name, PostgreSQL type, Avro type, value) of a column for each mapping."""
    found = []
    for avro, types in TYPES.items():
        for type_ in types:
            exact = "numeric(12,2)" if type_ == "numeric" else type_
            name = f"{avro}_{type_}".replace(" ", "_").replace("-", "_")
            value = VALUES.get(type_, "7")
            found.append((name, exact, WRITTEN.get(avro, avro), value))
    return found


def test_the_second_plan_is_empty_for_every_documented_mapping(world: World) -> None:
    world.sql("CREATE EXTENSION IF NOT EXISTS citext; CREATE TYPE shop.mood AS ENUM ('calm', 'angry')")
    columns = [
        *_columns(),
        ("mood", "shop.mood", {"type": "enum", "name": "Mood", "symbols": ["calm", "angry"]}, "calm"),
    ]
    columns += [
        (f"{name}s", f"{type_}[]", {"type": "array", "items": ["null", avro], "element-id": 500 + n}, f"{{{value}}}")
        for n, (name, type_, avro, value) in enumerate(columns)
        if type_.partition("(")[0] in ARRAYS
    ]
    fields, number = [ID], 2
    for name, _, avro, _ in columns:
        fields.append({"name": name, "field-id": number, "type": avro, "doc": "A mapping."})
        nullable = avro["type"] != "array" if isinstance(avro, dict) else True
        if nullable:
            shape = avro if not isinstance(avro, dict) or "name" not in avro else {**avro, "name": "MoodOrNone"}
            fields.append(
                {
                    "name": f"n_{name}",
                    "field-id": number + 1,
                    "type": ["null", shape],
                    "default": None,
                    "doc": "A mapping.",
                }
            )
        number += 2
    declared = ", ".join(f"{name} {type_} NOT NULL" for name, type_, *_ in columns)
    optional = ", ".join(f"n_{name} {type_}" for name, type_, avro, _ in columns if not type_.endswith("[]"))
    world.sql(
        f"CREATE TABLE shop.wide (id bigint PRIMARY KEY, {declared}, {optional}); ALTER TABLE shop.wide REPLICA IDENTITY FULL;"
        "GRANT USAGE ON SCHEMA shop TO cdc; GRANT SELECT ON shop.wide TO cdc;"
    )
    values = ", ".join(f"'{value}'" for *_, value in columns)
    insert = f"INSERT INTO shop.wide (id, {', '.join(name for name, *_ in columns)}) VALUES (%s, {values})"
    world.sql(insert, 1)
    world.declare("wide", *fields)
    world.apply()
    world.sql(insert, 2)
    topic = names.topic(world.contract("wide"))
    deadline = time.monotonic() + 60
    while count_changes(world.systems.kafka, world.systems.registry.schema, TopicCount(topic)).rows < 2:
        assert time.monotonic() < deadline, world.systems.connect.status(world.source)
        time.sleep(0.2)
    plan = world.plan()
    assert plan.empty, render(plan)
    assert plan.notes == (), render(plan)
