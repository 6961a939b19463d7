"""Dead letters in real Iceberg tables, in a folder: kept once, landed once, whoever landed first."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.catalog.sql import SqlCatalog

from headrace.contracts.index import load_index
from headrace.errors import SystemRefused
from headrace.planning.dead_letters import DATASET
from headrace.planning.lake import platform_tables
from headrace.planning.plan import Change
from headrace.services.dead_letters.quarantine import TABLE, Kept, Quarantine
from headrace.services.dead_letters.record import DeadLetter, Position
from headrace.services.dead_letters.replay import Record
from headrace.streaming.datasets import Served
from headrace.streaming.patience import Patience
from headrace.streaming.replay.raw import Raw
from headrace.systems.endpoint import Endpoint
from headrace.systems.lake import state
from headrace.systems.lake.hook import LakeHook
from tests.support.change_records import TOPIC, change, encoded, row, writer_of

AT = datetime(2026, 11, 24, tzinfo=UTC)
RAW = "raw.shop_lines"
SERVED = Served("shop.lines", TOPIC, ("basket", "product"), True, ())


@pytest.fixture
def lake(tmp_path: Path) -> LakeHook:
    hook = LakeHook(Endpoint(host="http://nowhere"))
    hook.__dict__["catalog"] = SqlCatalog("lake", uri=f"sqlite:///{tmp_path}/c.db", warehouse=f"file://{tmp_path}/w")
    contract = load_index(Path(__file__).parents[4] / "include" / "schemas")[DATASET]
    (table,) = platform_tables(contract)
    state.apply(hook, Change("create", table))
    return hook


def dead_letter(offset: int, refused_by: str = "lake-shop", payload: bytes | None = b"v") -> DeadLetter:
    return DeadLetter(Position(refused_by, TOPIC, 0, offset), "shop.lines", "record", "why", b"k", payload, None, AT)


def test_a_dead_letter_is_kept_once_however_often_it_comes(lake: LakeHook) -> None:
    quarantine = Quarantine(lake)
    assert quarantine.keep([dead_letter(1), dead_letter(2), dead_letter(1, payload=b"again")]) == 2
    assert quarantine.keep([dead_letter(2), dead_letter(3), dead_letter(2, "shop/cdc")]) == 2
    assert quarantine.keep([]) == 0
    assert lake.catalog.load_table(TABLE).scan().count() == 4
    places = [dead_letter(1).position, dead_letter(9).position]
    assert quarantine.kept(places) == {places[0]: Kept(b"k", b"v", AT)}


def test_a_missing_table_is_an_error_with_the_next_step(lake: LakeHook) -> None:
    lake.drop_table(TABLE)
    with pytest.raises(SystemRefused, match="apply_contracts"):
        Quarantine(lake).keep([dead_letter(1)])


def raw(lake: LakeHook) -> Raw:
    from pyiceberg.schema import Schema
    from pyiceberg.types import IntegerType, LongType, NestedField, StringType, TimestamptzType

    types: dict[str, Any] = {
        "basket": LongType(),
        "product": LongType(),
        "note": StringType(),
        "_op": StringType(),
        "_lsn": LongType(),
        "_committed_at": TimestamptzType(),
        "_topic": StringType(),
        "_kafka_partition": IntegerType(),
        "_offset": LongType(),
    }
    fields = [NestedField(place, name, type_) for place, (name, type_) in enumerate(types.items(), 1)]
    lake.ensure_namespace("raw")
    lake.catalog.create_table_if_not_exists(RAW, Schema(*fields))
    patience = Patience(1.0, lambda why: None)
    return Raw(SERVED, RAW, lake, lambda number: writer_of(TOPIC, number), patience)  # type: ignore[arg-type]


def record(offset: int, payload: bytes | None) -> Record:
    return Record(Position("lake-shop", TOPIC, 0, offset), Kept(b"k", payload, AT))


def test_a_dead_letter_is_landed_once_whichever_process_landed_it_first(lake: LakeHook) -> None:
    place = raw(lake)
    records = [
        record(5, encoded(change("c", row(1)))),
        record(7, None),
        record(9, encoded(change("u", row(1), row(1)))),
    ]
    assert place.unreadable(records) == {}
    place.put(records[:2], "letters:1")  # as a process that died after a part of it
    place.put(records, "letters:1")
    place.put(records, "letters:1")
    table = lake.catalog.load_table(RAW)
    assert sorted(table.scan().to_arrow()["_offset"].to_pylist()) == [5, 9]
    assert len(table.snapshots()) == 2, "what changes nothing commits nothing"


def test_a_topic_of_another_name_with_the_same_offset_is_another_record(lake: LakeHook) -> None:
    place = raw(lake)
    place.put([record(5, encoded(change("c", row(1))))], "letters:1")
    others = Raw(
        Served("shop.lines", "oltp.shop.others", ("basket",), True, ()),
        RAW,
        lake,
        lambda number: writer_of(TOPIC, number),  # type: ignore[arg-type]
        Patience(1.0, lambda why: None),
    )
    other = Record(Position("lake-shop", "oltp.shop.others", 0, 5), Kept(b"k", encoded(change("c", row(2))), AT))
    others.put([other], "letters:2")
    assert lake.catalog.load_table(RAW).scan().count() == 2


def test_a_record_that_is_no_change_of_the_dataset_still_cannot_be_read(lake: LakeHook) -> None:
    records = [record(5, b"garbage"), record(6, encoded(row(1), 9))]
    reasons = raw(lake).unreadable(records)
    assert "wire format" in reasons[records[0].position]
    assert "not a change envelope" in reasons[records[1].position]


def test_what_is_appended_after_a_read_is_not_carried_over_to_a_later_state(
    lake: LakeHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit whose answer was lost may be applied after the look."""
    place, reads = raw(lake), list[set[tuple[int, int]]]()
    records = [record(5, encoded(change("c", row(1))))]
    there = Raw._there

    def overtaken(*arguments: Any) -> set[tuple[int, int]]:
        reads.append(there(*arguments))
        if len(reads) == 1:
            place.put(records, "letters:1")
        return reads[0] if len(reads) == 1 else there(*arguments)

    monkeypatch.setattr(Raw, "_there", overtaken)
    place.put(records, "letters:1")
    assert lake.catalog.load_table(RAW).scan().count() == 1
