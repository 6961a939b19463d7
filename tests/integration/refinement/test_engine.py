"""One refinement over real Iceberg tables: any order, again, while others write, and what may not be published."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from headrace.contracts.types import Field, Primitive
from headrace.errors import SystemRefused
from include.spark.batch.publishing.evolution import as_today
from include.spark.batch.publishing.target import Target
from include.spark.batch.publishing.work import Unpublished
from include.spark.batch.refine import engine
from include.spark.batch.refine.engine import refine
from include.spark.batch.refine.selection import Selection
from include.spark.batch.refine.tokens import token
from tests.integration.conftest import KEY
from tests.integration.refinement.conftest import ITEMS
from tests.integration.refinement.test_versions import SCHEMA

DAY = datetime(2026, 1, 1, tzinfo=UTC)
ZONES = ("cleaned", "history", "quarantine")
NOTE = Field("note", 9, Primitive("string"), nullable=True, default=None, doc="What was noted.")


def passes(_: Mapping[Any, DataFrame]) -> Sequence[str]:
    return ()


def change(key: int, offset: int, day: int, op: str = "c", **fields: Any) -> tuple[Any, ...]:
    values = {"amount": 1, "owner": "ada", "price": None, "size": None, "sold_at": DAY + timedelta(days=day)} | fields
    if op == "d":  # PostgreSQL tells of a deleted row only its key
        values = dict.fromkeys(values)
    at = DAY + timedelta(days=100, seconds=offset)
    return (key, *values.values(), op, offset, at, "oltp.shop.items", 0, offset)


def land(spark: SparkSession, *changes: tuple[Any, ...]) -> None:
    spark.createDataFrame(list(changes), SCHEMA).writeTo("lake.raw.shop_items").append()


def rows(spark: SparkSession, zone: str) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in spark.table(f"lake.{zone}.shop_items").collect()), key=str)


def state(spark: SparkSession) -> dict[str, list[tuple[Any, ...]]]:
    return {zone: rows(spark, zone) for zone in ZONES}


def snapshots(spark: SparkSession) -> dict[str, int | None]:
    return {zone: Target.now(spark, f"{zone}.shop_items").snapshot for zone in ZONES}


def of_day(day: int) -> Selection:
    return of_days(day)


def of_days(*days: int) -> Selection:
    return Selection(tuple((DAY + timedelta(days=day), DAY + timedelta(days=day + 1)) for day in days))


def random_changes(seed: int) -> list[tuple[Any, ...]]:
    """Rows of four days, corrected, moved to another day, deleted and made again; some break a rule."""
    chance = random.Random(seed)
    return [
        change(
            chance.randint(1, 12), offset, chance.randint(0, 3), chance.choice("ccuuud"),
            amount=chance.choice([0, 1, 2, 3, 99, None]), owner=chance.choice(["ada", "bob", None]),
        )
        for offset in range(60)
    ]  # fmt: skip


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 30))])
def test_any_order_of_days_gives_what_all_at_once_gives(lake: SparkSession, seed: int) -> None:
    land(lake, *random_changes(seed))
    days = [0, 1, 2, 3, 1]
    random.Random(seed).shuffle(days)
    for day in days:
        refine(lake, ITEMS, of_day(day), passes)
    by_days = state(lake)
    done = refine(lake, ITEMS, Selection(), passes)
    assert done["changed"] == {}
    assert state(lake) == by_days
    assert by_days["cleaned"] and by_days["quarantine"]


def test_a_second_run_writes_nothing(lake: SparkSession) -> None:
    land(lake, change(1, 0, 0), change(2, 1, 0))
    first = refine(lake, ITEMS, of_day(0), passes)
    assert first["changed"] == {"history": {"insert": 2}, "cleaned": {"insert": 2}}
    before = snapshots(lake)
    assert refine(lake, ITEMS, of_day(0), passes)["changed"] == {}
    assert snapshots(lake) == before


def test_days_that_do_not_touch_are_refined_in_one_go(lake: SparkSession) -> None:
    land(lake, *(change(day, day, day) for day in range(4)))
    refine(lake, ITEMS, of_days(0, 3), passes)
    assert [row[0] for row in rows(lake, "cleaned")] == [0, 3]


def test_a_watermark_takes_what_came_since(lake: SparkSession) -> None:
    land(lake, change(1, 0, 0), change(2, 1, 0))
    reached = refine(lake, ITEMS, Selection(), passes)["watermark"]
    assert reached == {0: 1}
    land(lake, change(2, 2, 0, "u", amount=5), change(3, 3, 3))
    done = refine(lake, ITEMS, Selection(past=reached), passes)
    assert done["watermark"] == {0: 3}
    assert done["changed"]["cleaned"] == {"update": 1, "insert": 1}
    assert [(row[0], row[1]) for row in rows(lake, "cleaned")] == [(1, 1), (2, 5), (3, 1)]


def test_a_change_that_comes_late_is_taken_in_by_its_position(lake: SparkSession) -> None:
    """A dead letter is replayed at its own offset, behind every watermark and outside of the day's interval."""
    land(lake, change(1, 0, 0), change(1, 2, 0, "u", amount=9))
    reached = refine(lake, ITEMS, Selection(), passes)["watermark"]
    land(lake, change(1, 1, 0, "u", amount=5))
    assert refine(lake, ITEMS, Selection(past=reached), passes)["changed"] == {}
    text = json.dumps({"past": reached, "positions": {"0": [1]}})
    refine(lake, ITEMS, Selection.from_json(text), passes)
    history = lake.table("lake.history.shop_items").orderBy("_offset").collect()
    assert [row.amount for row in history] == [1, 5, 9]
    assert [row.amount for row in lake.table("lake.cleaned.shop_items").collect()] == [9]


def test_a_deleted_row_is_gone_from_cleaned_and_ended_in_history(lake: SparkSession) -> None:
    land(lake, change(1, 0, 0))
    refine(lake, ITEMS, of_day(0), passes)
    land(lake, change(1, 1, 0, "d"))
    refine(lake, ITEMS, of_day(0), passes)
    assert rows(lake, "cleaned") == []
    (version,) = lake.table("lake.history.shop_items").collect()
    assert not version._is_current
    assert version._valid_to - version._valid_from == timedelta(seconds=1)


def test_a_row_that_breaks_a_rule_waits_in_quarantine_until_it_does_not(lake: SparkSession) -> None:
    land(lake, change(1, 0, 0), change(1, 1, 0, "u", amount=99, owner="bob"))
    refine(lake, ITEMS, of_day(0), passes)
    (kept,) = lake.table("lake.cleaned.shop_items").collect()
    assert kept.amount == 1
    (waiting,) = lake.table("lake.quarantine.shop_items").collect()
    assert (waiting.id, waiting._rules, waiting._offset) == (1, "amount_range", 1)
    assert '"amount":99' in waiting._payload
    assert "bob" not in waiting._payload
    refine(lake, replace(ITEMS, quality=()), Selection(), passes)
    assert rows(lake, "quarantine") == []
    assert [row.amount for row in lake.table("lake.cleaned.shop_items").collect()] == [99]


def test_hidden_values_are_the_same_tokens_everywhere(lake: SparkSession) -> None:
    land(lake, change(1, 0, 0, owner="ada"), change(2, 1, 0, owner="ada"), change(3, 2, 0, owner=None))
    refine(lake, ITEMS, Selection(), passes)
    wanted = [token(KEY.encode(), "ada")] * 2 + [None]
    for zone in ("cleaned", "history"):
        assert [row.owner for row in lake.table(f"lake.{zone}.shop_items").orderBy("id").collect()] == wanted


def test_what_the_audit_forbids_stays_on_the_branch(lake: SparkSession) -> None:
    land(lake, change(1, 0, 0))
    refine(lake, ITEMS, of_day(0), passes)
    before = state(lake)
    land(lake, change(2, 1, 0))
    with pytest.raises(Unpublished) as refused:
        refine(lake, ITEMS, of_day(0), lambda zones: [f"{zones['cleaned'].count()} rows are too many"])
    assert refused.value.forbids == ("2 rows are too many",)
    assert state(lake) == before
    assert lake.table("lake.cleaned.shop_items.branch_audit").count() == 2
    refine(lake, ITEMS, of_day(0), passes)
    assert len(rows(lake, "cleaned")) == 2


def test_an_overtaken_refinement_restarts(lake: SparkSession) -> None:
    """Another interval is published between the work and the publishing: neither undoes the other."""
    land(lake, change(1, 0, 0), change(2, 1, 1))
    overtaking = iter([True])

    def audit(_: Mapping[Any, DataFrame]) -> Sequence[str]:
        if next(overtaking, False):
            land(lake, change(1, 2, 0, "u", amount=7))
            refine(lake, ITEMS, of_day(0), passes)
        return ()

    refine(lake, ITEMS, of_day(1), audit)
    assert [(row[0], row[1]) for row in rows(lake, "cleaned")] == [(1, 7), (2, 1)]


def test_a_first_refinement_restarts_when_its_table_is_no_longer_empty(lake: SparkSession, monkeypatch: Any) -> None:
    """Two first refinements at once: the branch of the second must not begin with the rows of the first."""
    land(lake, change(1, 0, 0), change(2, 1, 0))
    now, seen = Target.now, list[str]()

    def overtaken(spark: SparkSession, name: str) -> Target:
        found = now(spark, name)
        if name == "cleaned.shop_items" and not seen:
            seen.append(name)
            monkeypatch.setattr(Target, "now", now)
            refine(spark, ITEMS, Selection(), passes)
            monkeypatch.setattr(Target, "now", overtaken)
        return found

    monkeypatch.setattr(Target, "now", overtaken)
    refine(lake, ITEMS, Selection(), passes)
    assert seen
    for zone in ("cleaned", "history"):
        assert [row.id for row in lake.table(f"lake.{zone}.shop_items").orderBy("id").collect()] == [1, 2]


def test_a_death_before_publishing_leaves_readers_what_they_had(lake: SparkSession, monkeypatch: Any) -> None:
    land(lake, change(1, 0, 0))

    def dies(_: Target) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(engine.Target, "publish", dies)
        with pytest.raises(KeyboardInterrupt):
            refine(lake, ITEMS, of_day(0), passes)
    assert state(lake) == {zone: [] for zone in ZONES}
    refine(lake, ITEMS, of_day(0), passes)
    assert [len(rows(lake, zone)) for zone in ZONES] == [1, 1, 0]


def test_a_field_that_is_added_and_a_type_that_is_widened_leave_rows_as_they_are(lake: SparkSession) -> None:
    """The zones' last states are older than the change, and so is most of raw."""
    land(lake, change(1, 0, 0), change(2, 1, 0))
    refine(lake, ITEMS, Selection(), passes)
    for zone in ("raw", "cleaned", "history"):
        lake.sql(f"ALTER TABLE lake.{zone}.shop_items ADD COLUMN note string")
        lake.sql(f"ALTER TABLE lake.{zone}.shop_items ALTER COLUMN amount TYPE bigint")
    first, amount, *others = ITEMS.record.fields
    wide = replace(amount, type=Primitive("long"))
    grown = replace(ITEMS, record=replace(ITEMS.record, fields=(first, wide, *others, NOTE)))
    assert refine(lake, grown, Selection(), passes)["changed"] == {}
    row = (*change(2, 2, 0, "u", amount=3), "seen")
    lake.createDataFrame([row], f"{SCHEMA}, note string").writeTo("lake.raw.shop_items").append()
    done = refine(lake, grown, Selection(past={0: 1}), passes)
    assert done["changed"]["cleaned"] == {"update": 1}
    found = lake.table("lake.cleaned.shop_items").orderBy("id").collect()
    assert [(row.id, row.amount, row.note) for row in found] == [(1, 1, None), (2, 3, "seen")]


def test_a_contract_that_was_not_applied_yet_is_refused(lake: SparkSession) -> None:
    land(lake, change(1, 0, 0))
    grown = replace(ITEMS, record=replace(ITEMS.record, fields=(*ITEMS.record.fields, NOTE)))
    with pytest.raises(
        SystemRefused, match=r"raw\.shop_items: columns of the contract are missing: note; run apply_contracts"
    ):
        refine(lake, grown, Selection(), passes)


def test_what_is_inside_of_a_column_grows_too(spark: SparkSession) -> None:
    old = spark.sql("SELECT 1 AS id, array(named_struct('a', 1)) AS parts, map('k', named_struct('a', 1)) AS more")
    today = spark.sql(
        "SELECT 1L AS id, array(named_struct('a', 1L, 'b', 'x')) AS parts, map('k', named_struct('a', 1, 'b', 'x')) AS more"
    )
    (row,) = as_today(old, today.schema).collect()
    assert row.asDict(recursive=True) == {"id": 1, "parts": [{"a": 1, "b": None}], "more": {"k": {"a": 1, "b": None}}}
    assert [x.dataType.simpleString() for x in as_today(old, today.schema).schema] == [
        x.dataType.simpleString() for x in today.schema
    ]
