"""A drafted contract loads as it is, says what it leaves out, and fits the table it was drafted from."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.contracts.contract import Contract, Source
from headrace.contracts.loading import load_contracts
from headrace.contracts.types import Array, Date, Decimal, Enum, Primitive, Record, Timestamp, Uuid
from headrace.services.drafting.draft import Draft
from headrace.services.drafting.from_records import from_records
from headrace.services.drafting.from_table import PLAIN, from_table
from headrace.systems.oltp.drift import carries
from headrace.systems.oltp.hook import DescribedColumn

COLUMNS = (
    DescribedColumn("line", "integer", False, 2, False, "", ()),
    DescribedColumn("order_id", "bigint", False, 1, False, "The order.", ()),
    DescribedColumn("price", "numeric(12,2)", True, None, False, "", ()),
    DescribedColumn("amount", "numeric", True, None, False, "", ()),
    DescribedColumn("size", "shop.size", False, None, False, "", ("S", "L")),
    DescribedColumn("notes", "text[]", True, None, False, "", ()),
    DescribedColumn("tags", "character varying(20)[]", False, None, False, "", ()),
    DescribedColumn("at", "timestamp with time zone", False, None, False, "", ()),
    DescribedColumn("local", "timestamp without time zone", True, None, False, "", ()),
    DescribedColumn("soldBy", "text", True, None, False, "", ()),
    DescribedColumn("total", "bigint", True, None, True, "", ()),
)


def loaded(root: Path, dataset: str, draft: Draft) -> Contract:
    domain, _, name = dataset.partition(".")
    (root / domain).mkdir()
    (root / domain / f"{name}.avsc").write_text(draft.shape)
    (root / domain / f"{name}.odcs.yaml").write_text(draft.terms)
    (contract,) = load_contracts(root)
    return contract


def test_a_table_becomes_a_contract_that_loads(tmp_path: Path) -> None:
    draft = from_table("shop.order_lines", "oltp", "shop.order_lines", "", COLUMNS, "till")
    contract = loaded(tmp_path, "shop.order_lines", draft)
    assert (contract.key, contract.owner) == (("order_id", "line"), "till")
    assert contract.source == Source("cdc", "oltp", "shop.order_lines", "envelope")
    assert {field.name: field.type for field in contract.record.fields} == {
        "line": Primitive("int"),
        "order_id": Primitive("long"),
        "price": Decimal(12, 2),
        "size": Enum("Size", ("S", "L")),
        "tags": Array(Primitive("string"), 6, element_nullable=True),
        "at": Timestamp("micros"),
    }
    assert [field.nullable for field in contract.record.fields] == [False, False, True, False, False, False]
    assert {name: why.split()[0] for name, why in draft.left_out.items()} == {
        "amount": "numeric",
        "local": "it",
        "notes": "ClickHouse",
        "soldBy": "a",
        "total": "PostgreSQL",
    }
    for column, field in ((c, contract.record.get(c.name)) for c in COLUMNS):
        assert field is None or carries(column.type, field.type), "the plan accepts what was drafted"


@pytest.mark.parametrize("type_", PLAIN)
def test_every_type_that_is_drafted_is_one_that_the_plan_accepts(type_: str) -> None:
    assert carries(type_, PLAIN[type_])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (COLUMNS[2:], "shop.lines has no primary key"),
        ((DescribedColumn("at", "interval", False, 1, False, "", ()),), "shop.lines.at is part of the primary key"),
    ],
)
def test_a_table_without_a_usable_key_is_refused(columns: tuple[DescribedColumn, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_table("shop.lines", "oltp", "shop.lines", "", columns, "till")


RECORDS = (
    {
        "id": "0f8fad5b-d9cb-469f-a165-70867728950e",
        "at": "2026-11-30T10:00:00Z",
        "day": "2026-11-30",
        "n": 1,
        "share": 1,
        "user": {"name": "a", "age": None},
        "items": [{"sku": "x", "n": 1}],
        "none": None,
        "empty": [],
        "mixed": "1",
        "a-b": 1,
        "pageUrl": "/",
    },
    {
        "id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        "at": "2026-11-30 10:00:00.123+01:00",
        "day": "2026-12-01",
        "share": 0.5,
        "user": {"name": "b", "age": 3},
        "items": [],
        "mixed": 1,
    },
)


def test_sample_records_become_a_contract_that_loads(tmp_path: Path) -> None:
    draft = from_records("web.page_views", RECORDS, ("id",), "web")
    contract = loaded(tmp_path, "web.page_views", draft)
    assert (contract.source.kind, contract.key) == ("ingest", ("id",))
    by_name = {field.name: field for field in contract.record.fields}
    assert by_name["id"].type == Uuid()
    assert by_name["at"].type == Timestamp("micros")
    assert by_name["day"].type == Date()
    assert (by_name["n"].type, by_name["n"].nullable) == (Primitive("long"), True)
    assert by_name["share"].type == Primitive("double")
    user = by_name["user"].type
    assert isinstance(user, Record)
    assert [(f.name, f.nullable) for f in user.fields] == [("name", False), ("age", True)]
    assert isinstance(by_name["items"].type, Array)
    assert isinstance(by_name["items"].type.element, Record)
    assert sorted(draft.left_out) == ["a-b", "empty", "mixed", "none", "pageUrl"]


@pytest.mark.parametrize("key", ["n", "user", "missing"])
def test_a_key_that_some_record_lacks_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="choose another --key"):
        from_records("web.page_views", RECORDS, (key,), "web")
