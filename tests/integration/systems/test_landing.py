"""Files in the landing bucket: each once and whole into raw, or refused with a reason."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from headrace.contracts import names
from headrace.contracts.contract import Contract, Source
from headrace.contracts.types import Date, Decimal, Field, Primitive, Record
from headrace.errors import HeldBack
from headrace.planning.diff import diff
from headrace.planning.lake import raw_tables
from headrace.services.landing import hook as hook_module
from headrace.services.landing import operators
from headrace.services.landing.hook import LandingHook
from headrace.services.landing.land import Landed, Landing
from headrace.services.landing.ledger import Files
from headrace.systems.bundle import Systems
from headrace.systems.endpoint import Endpoint
from headrace.systems.lake import state
from headrace.systems.lake.hook import LakeHook
from headrace.systems.platform.hook import PlatformHook
from tests.support.catalog_proxy import Fault, catalog_proxy

Drop = Callable[[str, bytes], None]
ROW_GROUP = 10_000
MANY = 60_000
"""Rows of a file that is not read at once."""


@pytest.fixture
def contract(name: str) -> Contract:
    record = Record(
        "Offer", name, "One offer.",
        (
            Field("offer_id", 1, Primitive("int"), doc="Key."),
            Field("price", 2, Decimal(12, 2), nullable=True, default=None),
            Field("until", 3, Date(), nullable=True, default=None),
        ),
    )  # fmt: skip
    return Contract(
        f"{name}.offers", name, "offers", "1.0.0", "till", record, ("offer_id",), Source("file", "landing"),
        ("raw", "cleaned"), "clickhouse", path="offers.avsc",
    )  # fmt: skip


@pytest.fixture
def drop(stack: Any, contract: Contract) -> Iterator[Drop]:
    """`drop(name, content)` into the dataset's folder of the bucket, emptied afterwards."""
    hook = LandingHook(stack.endpoint("landing_default"))
    folder = f"{hook.bucket}/{names.landing_prefix(contract)}"
    yield lambda name, content: hook.files.pipe_file(folder + name, content)
    hook.files.rm(folder, recursive=True)


@pytest.fixture
def landing(stack: Any, systems: Systems, platform: PlatformHook, contract: Contract) -> Iterator[Landing]:
    for change in diff(raw_tables(contract), []).changes:
        state.apply(systems.lake, change)
    yield Landing(contract, LandingHook(stack.endpoint("landing_default")), systems.lake, platform)
    systems.lake.drop_table(names.raw_table(contract))


def parquet(**columns: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, row_group_size=ROW_GROUP)
    return out.getvalue()


def offers(*ids: int) -> bytes:
    return parquet(offer_id=pa.array(ids, pa.int64()), price=pa.array([1.5] * len(ids)).cast(pa.decimal128(5, 2)))


def as_csv(*ids: int) -> bytes:
    return "\n".join(["offer_id,price", *(f"{number},1.5" for number in ids)]).encode()


def torn(content: bytes) -> bytes:
    """The same, with one page that cannot be unpacked."""
    return content[:20] + b"\xff" * 60 + content[80:]


def all_of(landing: Landing) -> list[Landed]:
    return [landing.land(file) for file in landing.due()]


def rows(systems: Systems, contract: Contract) -> list[dict[str, Any]]:
    table = systems.lake.table(names.raw_table(contract))
    assert table
    found: list[dict[str, Any]] = table.scan().to_arrow().sort_by("_offset").to_pylist()
    return found


def test_a_file_lands_once_with_positions(landing: Landing, drop: Drop, systems: Systems, contract: Contract) -> None:
    drop("a.parquet", offers(7, 8))
    assert [(done.key, done.rows, done.reason) for done in all_of(landing)] == [
        (f"{names.landing_prefix(contract)}a.parquet", 2, None)
    ]
    assert landing.due() == ()
    first, second = rows(systems, contract)
    assert (first["offer_id"], str(first["price"]), first["until"]) == (7, "1.50", None)
    assert second["_offset"] == first["_offset"] + 1
    assert first["_topic"] == f"s3://landing/{names.landing_prefix(contract)}a.parquet"
    assert first["_committed_at"] is not None


def test_other_content_under_the_same_name_is_another_file(
    landing: Landing, drop: Drop, systems: Systems, contract: Contract
) -> None:
    drop("a.parquet", offers(1))
    all_of(landing)
    drop("a.parquet", offers(2))
    all_of(landing)
    assert [row["offer_id"] for row in rows(systems, contract)] == [1, 2]


def test_csv_is_read_as_the_contracts_types(landing: Landing, drop: Drop, systems: Systems, contract: Contract) -> None:
    drop("a.csv", b"offer_id,price,until\n3,2.25,2026-03-01\n4,,\n")
    all_of(landing)
    assert [(r["offer_id"], str(r["price"]), str(r["until"])) for r in rows(systems, contract)] == [
        (3, "2.25", "2026-03-01"), (4, "None", "None"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("a.parquet", parquet(price=pa.array([1.5]).cast(pa.decimal128(5, 2))), "it lacks offer_id"),
        ("b.parquet", parquet(offer_id=[1], mood=["fine"]), "it has mood, which offers.avsc does not declare"),
        ("c.parquet", parquet(offer_id=[2**40]), "column offer_id: Integer value 1099511627776 not in range"),
        ("d.parquet", b"PAR1 this is none", "Parquet"),
        ("e.csv", b"offer_id\nseven\n", "conversion error to int32"),
        ("f.xlsx", b"PK", "its name must end with one of"),
        ("g.parquet", torn(offers(*range(1000))), ""),
    ],
)
def test_a_file_that_breaks_its_contract_is_refused_whole(
    landing: Landing, drop: Drop, systems: Systems, contract: Contract, file: str, content: bytes, reason: str
) -> None:
    drop(file, content)
    (done,) = all_of(landing)
    assert done.reason
    assert reason in done.reason
    assert landing.due() == ()
    assert landing.refused() == {done.key: done.reason}
    assert rows(systems, contract) == []
    drop(file, offers(5) if file.endswith("parquet") else b"offer_id\n5\n")
    if not file.endswith("xlsx"):
        all_of(landing)
        assert landing.refused() == {}
        assert [row["offer_id"] for row in rows(systems, contract)] == [5]


def test_a_death_after_the_commit_does_not_land_it_twice(
    landing: Landing, drop: Drop, systems: Systems, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop("a.parquet", offers(1, 2))
    drop("b.parquet", offers(3))

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Files, "landed", die)
        with pytest.raises(KeyboardInterrupt):
            all_of(landing)
    assert [row["offer_id"] for row in rows(systems, contract)] == [1, 2]
    assert [done.rows for done in all_of(landing)] == [2, 1]
    assert [row["offer_id"] for row in rows(systems, contract)] == [1, 2, 3]


def test_a_death_before_the_commit_leaves_nothing_and_keeps_the_order(
    landing: Landing, drop: Drop, systems: Systems, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyiceberg.table import Transaction

    drop("a.parquet", offers(1, 2))

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Transaction, "commit_transaction", die)
        with pytest.raises(KeyboardInterrupt):
            all_of(landing)
    assert rows(systems, contract) == []
    drop("b.parquet", offers(3))
    all_of(landing)
    assert [row["offer_id"] for row in rows(systems, contract)] == [1, 2, 3]


def test_a_store_that_does_not_answer_is_an_error(contract: Contract, systems: Systems, platform: PlatformHook) -> None:
    from headrace.errors import SystemUnavailable
    from headrace.systems.retry import Backoff

    nowhere = Endpoint("http://127.0.0.1:9", login="a", password="b", extra={"bucket": "landing"})
    hook = LandingHook(nowhere, backoff=Backoff(tries=1))
    with pytest.raises(SystemUnavailable, match="Files stay in place"):
        Landing(contract, hook, systems.lake, platform).due()


@pytest.mark.parametrize("fault", ["drop", "502", "late"])
def test_a_lost_answer_to_the_commit_does_not_land_it_twice(
    landing: Landing, drop: Drop, stack: Any, systems: Systems, platform: PlatformHook, contract: Contract, fault: Fault
) -> None:
    drop("a.parquet", offers(1, 2))
    with catalog_proxy(stack.lake.url) as proxy:
        lake = LakeHook(replace(stack.lake, host=proxy.url, port=None))
        through = Landing(contract, LandingHook(stack.endpoint("landing_default")), lake, platform)
        through.due()
        proxy.fault = fault
        (done,) = all_of(through)
        assert proxy.commits == (2 if fault == "late" else 1)
    assert (done.rows, done.reason) == (2, None)
    assert landing.due() == ()
    assert [row["offer_id"] for row in rows(systems, contract)] == [1, 2]


@pytest.mark.parametrize("name_", ["a.parquet", "a.csv"])
def test_a_file_that_is_replaced_while_it_is_read_lands_as_it_is_then(
    landing: Landing, drop: Drop, systems: Systems, contract: Contract, monkeypatch: pytest.MonkeyPatch, name_: str
) -> None:
    content = {"a.parquet": offers, "a.csv": as_csv}[name_]
    drop(name_, content(*range(MANY)))
    (file,) = landing.due()
    parts = LandingHook.parts

    def interrupted(*arguments: Any) -> Iterator[pa.Table]:
        for number, part in enumerate(parts(*arguments)):
            yield part
            if number == 0:
                drop(name_, content(*range(MANY, 2 * MANY)))

    with monkeypatch.context() as patch:
        for size in ("BLOCK_BYTES", "CSV_BLOCK_BYTES"):
            patch.setattr(hook_module, size, 1 << 14)  # so that it takes many requests
        patch.setattr(hook_module, "PART_ROWS", ROW_GROUP)
        patch.setattr("pyarrow.csv.ReadOptions", partial(csv.ReadOptions, use_threads=False))  # it reads nothing ahead
        patch.setattr(LandingHook, "parts", interrupted)
        assert landing.land(file) == Landed(file.key, 0, replaced=True)
    assert rows(systems, contract) == []
    assert [done.rows for done in all_of(landing)] == [MANY]
    assert {row["offer_id"] for row in rows(systems, contract)} == set(range(MANY, 2 * MANY))


def test_a_file_that_is_replaced_or_removed_before_it_is_read_is_left_to_the_next_poll(
    landing: Landing, drop: Drop, stack: Any, systems: Systems, contract: Contract
) -> None:
    drop("a.parquet", offers(1))
    drop("b.parquet", offers(2))
    first, second = landing.due()
    drop("a.parquet", offers(3))
    store = LandingHook(stack.endpoint("landing_default"))
    store.files.rm(f"{store.bucket}/{second.key}")
    assert [landing.land(file).replaced for file in (first, second)] == [True, True]
    assert [done.rows for done in all_of(landing)] == [1]
    assert [row["offer_id"] for row in rows(systems, contract)] == [3]


def test_a_dataset_that_cannot_be_landed_does_not_keep_the_others(
    landing: Landing, drop: Drop, stack: Any, systems: Systems, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop("a.parquet", offers(1))
    homeless = replace(contract, id=f"{contract.domain}.homeless", name="homeless")
    store = LandingHook(stack.endpoint("landing_default"))
    elsewhere = f"{store.bucket}/{names.landing_prefix(homeless)}a.parquet"
    store.files.pipe_file(elsewhere, offers(2))
    monkeypatch.setattr(operators, "load_index", lambda _: {each.id: each for each in (homeless, contract)})
    for hook, its in ((LandingHook, store), (LakeHook, systems.lake), (PlatformHook, landing.platform)):
        monkeypatch.setattr(hook, "from_connection", lambda its=its: its)
    land = operators.LandFilesOperator(task_id="land", schemas="")
    with pytest.raises(HeldBack, match=f"{homeless.name}.*apply_contracts"):
        land.land({}, {"datasets": [homeless.id, contract.id]})  # type: ignore[typeddict-item]
    store.files.rm(elsewhere)
    assert [row["offer_id"] for row in rows(systems, contract)] == [1]
