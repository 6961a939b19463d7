"""Refinement of events and of upserts: repeats and late records end in the same rows, in whatever order they land."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from pyspark.sql import SparkSession

from headrace.contracts.contract import Contract, Source
from headrace.contracts.types import Field, Primitive, Record, Timestamp
from headrace.planning.lake import raw_tables
from headrace.planning.refined import refined_tables
from include.spark.batch.refine.engine import refine
from include.spark.batch.refine.selection import Selection
from tests.integration.refinement.conftest import ITEMS
from tests.integration.refinement.test_engine import passes
from tests.support.spark_tables import create_table

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
EVENTS = replace(
    ITEMS,
    id="web.clicks",
    domain="web",
    name="clicks",
    record=Record(
        "Click",
        "web",
        "One click.",
        (
            Field("message_id", 1, Primitive("string"), doc="Identity."),
            Field("page", 2, Primitive("string"), nullable=True, default=None, doc="Where."),
        ),
    ),
    key=("message_id",),
    source=Source("ingest", changes="append"),
    event_time=None,
    tokenised=(),
    classifications={},
    quality=(),
)
PEOPLE = replace(
    EVENTS,
    id="web.people",
    name="people",
    record=Record(
        "Person",
        "web",
        "One person as of now.",
        (
            Field("person_id", 1, Primitive("long"), doc="Key."),
            Field("name", 2, Primitive("string"), nullable=True, default=None, doc="Who."),
            Field("changed_at", 3, Timestamp("micros"), doc="Version."),
            Field("gone", 4, Primitive("boolean"), nullable=True, default=None, doc="Whether deleted."),
        ),
    ),
    key=("person_id",),
    source=Source("ingest", changes="upsert", version="changed_at", deleted="gone"),
)


class Landed(NamedTuple):
    """A record in raw."""

    values: tuple[Any, ...]
    partition: int
    offset: int
    second: int
    """Seconds after NOON at which Kafka took it."""


def land(spark: SparkSession, contract: Contract, records: Iterable[Landed]) -> None:
    table = f"lake.raw.{contract.domain}_{contract.name}"
    rows = [(*r.values, NOON + timedelta(seconds=r.second), "t", r.partition, r.offset) for r in records]
    spark.createDataFrame(rows, spark.table(table).schema).writeTo(table).append()


def zone(spark: SparkSession, contract: Contract, name: str, *columns: str) -> list[tuple[Any, ...]]:
    table = spark.table(f"lake.{name}.{contract.domain}_{contract.name}").select(*columns)
    return sorted((tuple(row) for row in table.collect()), key=str)


def refined_in_parts(spark: SparkSession, contract: Contract, records: Sequence[Landed], seed: int) -> None:
    """Land the records in parts, in order only within a partition, and refine after each part."""
    for resource in (*raw_tables(contract), *refined_tables(contract)):
        create_table(spark, resource)
    chance, reached = random.Random(seed), None
    order = [record.partition for record in records]
    chance.shuffle(order)
    queues = {partition: iter([r for r in records if r.partition == partition]) for partition in set(order)}
    left = [next(queues[partition]) for partition in order]
    while left:
        part, left = left[:12], left[12:]
        land(spark, contract, [*part, *part[:1]])  # the first one twice: a sink that starts again may land it again
        reached = refine(spark, contract, Selection(past=reached) if reached else Selection(), passes)["watermark"]


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 10))])
def test_a_repeated_event_is_one_row_the_first_one_and_another_content_is_reported(
    spark: SparkSession, seed: int
) -> None:
    chance = random.Random(seed)
    records = [
        Landed((f"m{chance.randint(1, 9)}", chance.choice(["/", "/cart"])), partition, offset, chance.randint(0, 20))
        for partition in range(2)
        for offset in range(12)
    ]
    first: dict[str, Landed] = {}
    for record in sorted(records, key=lambda r: (r.second, r.partition, r.offset)):
        first.setdefault(record.values[0], record)
    others = [r for r in records if r.values[1] != first[r.values[0]].values[1]]

    refined_in_parts(spark, EVENTS, records, seed)

    place = ("_kafka_partition", "_offset")
    served = zone(spark, EVENTS, "cleaned", "message_id", "page", *place)
    assert served == sorted(((*r.values, r.partition, r.offset) for r in first.values()), key=str)
    assert others, "the seed has no repeat with other content"
    assert zone(spark, EVENTS, "quarantine", *place) == sorted(((r.partition, r.offset) for r in others), key=str)
    assert {rule for (rule,) in zone(spark, EVENTS, "quarantine", "_rules")} == {"repeat"}
    assert len(zone(spark, EVENTS, "history", "message_id")) == len(first)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 10))])
def test_the_newest_version_of_a_key_is_its_row_whenever_it_arrives(spark: SparkSession, seed: int) -> None:
    chance = random.Random(seed)
    records = [
        Landed(
            (chance.randint(1, 5), f"n{offset}", NOON + timedelta(days=chance.randint(0, 6)), chance.random() < 0.2 or None),
            partition, offset, chance.randint(0, 20),
        )
        for partition in range(2)
        for offset in range(12)
    ]  # fmt: skip
    newest: dict[int, Landed] = {}
    for record in sorted(records, key=lambda r: (r.values[2], r.partition, r.offset)):
        newest[record.values[0]] = record
    alive = [r for r in newest.values() if not r.values[3]]

    refined_in_parts(spark, PEOPLE, records, seed)

    columns = ("person_id", "name", "gone", "_kafka_partition", "_offset")
    wanted = [(*r.values[:2], r.values[3], r.partition, r.offset) for r in alive]
    assert zone(spark, PEOPLE, "cleaned", *columns) == sorted(wanted, key=str)
    history = zone(spark, PEOPLE, "history", "person_id", "changed_at", "_valid_from", "_is_current")
    assert all(changed_at == valid_from for _, changed_at, valid_from, _ in history)
    assert sorted(person for person, _, _, is_current in history if is_current) == sorted(r.values[0] for r in alive)
