"""How long a dataset can be read as it was: what one contract needs of another's table, and what it promises itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.contracts import loading
from headrace.contracts.codec import decode_contract, encode_contract
from headrace.contracts.contract import Need
from headrace.contracts.index import load_index
from headrace.errors import ContractErrors
from tests.support.contract_faults import faults_of
from tests.support.orders_contract import write_terms

HEADER = "serving, value: clickhouse}"
PLACE = "include/schemas/shop/segments.odcs.yaml:27: needs: shop.segments needs"
ORDERS = "include/schemas/shop/orders.odcs.yaml"


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "include" / "schemas"


def needing(root: Path, needs: str, **orders: str) -> None:
    """`shop.segments` needs so, and `shop.orders` is kept by such properties."""
    kept = "".join(f"\n  - {{property: {name}, value: {value}}}" for name, value in orders.items())
    write_terms(root, (HEADER, HEADER + kept), dataset="orders")
    write_terms(root, (HEADER, f"{HEADER}\n  - {{property: needs, value: {needs}}}"), dataset="segments")


def test_what_maintenance_keeps_may_be_needed(root: Path) -> None:
    needing(root, "[{dataset: shop.orders, zone: cleaned, days: 30}]", maintenance="{keepDays: 30}")
    _, segments = loading.load_contracts(root)
    assert segments.needs == (Need("shop.orders", "cleaned", 30),)
    assert decode_contract(encode_contract(segments)) == segments


@pytest.mark.parametrize(
    ("need", "message"),
    [
        (
            "{dataset: shop.orders, zone: cleaned, days: 30}",
            "snapshots of cleaned of shop.orders for 30 days, but its maintenance drops snapshots older than 7; write"
            f" maintenance: {{keepDays: 30}} in {ORDERS}, or need fewer days",
        ),
        (
            "{dataset: shop.orders, zone: quarantine, days: 1}",
            f"quarantine of shop.orders, which is stored only in raw, cleaned, history; add the zone in {ORDERS}",
        ),
        (
            "{dataset: shop.order, zone: cleaned, days: 1}",
            'shop.order, which no contract declares; write "shop.orders" if that is meant, or remove it',
        ),
    ],
)
def test_what_maintenance_would_drop_may_not(root: Path, need: str, message: str) -> None:
    needing(root, f"[{need}]")
    assert faults_of(root) == [f"{PLACE} {message}"]


def test_a_policy_that_comes_to_keep_less_is_refused_by_the_index_too(root: Path) -> None:
    needing(root, "[{dataset: shop.orders, zone: cleaned, days: 30}]", maintenance="{keepDays: 30}")
    assert set(load_index(root)) == {"shop.orders", "shop.segments"}
    write_terms(root, dataset="orders")
    with pytest.raises(ContractErrors, match="drops snapshots older than 7"):
        load_index(root)


@pytest.mark.parametrize(
    ("needs", "message"),
    [
        ("7", "needs is not a list; write a list of {dataset"),
        ("[{dataset: shop.orders, zone: raw}]", "which is not dataset, zone and days"),
        ("[{dataset: orders, zone: raw, days: 1}]", "has the dataset 'orders', which is not domain.dataset"),
        ("[{dataset: shop.orders, zone: gold, days: 1}]", "has the unknown zone 'gold'"),
        ("[{dataset: shop.orders, zone: raw, days: 0}]", "has days 0, which must be a whole number of at least 1"),
    ],
)
def test_an_invalid_need_is_refused_with_its_fault(root: Path, needs: str, message: str) -> None:
    needing(root, needs)
    assert any(one.startswith(PLACE.split(" shop.segments")[0]) and message in one for one in faults_of(root))


SLA = "slaProperties:\n"
YEAR = "slaProperties:\n  - {property: retention, value: 12, unit: month"


@pytest.mark.parametrize(
    "changes",
    [
        [(SLA, f"{YEAR}}}\n")],
        [(SLA, f"{YEAR}, element: orders.booked_at}}\n"), (", history]", "]")],
        [(SLA, f"{YEAR}}}\n"), (", history]", "]"), (HEADER, HEADER + "\n  - {property: maintenance, value: {monthlyTags: 12}}")],
        [(SLA, f"{YEAR}}}\n"), (", history]", "]"), (HEADER, HEADER + "\n  - {property: maintenance, value: {keepDays: 372}}")],
    ],
    ids=["history", "rows", "tags", "snapshots"],
)  # fmt: skip
def test_a_promised_retention_that_is_kept(root: Path, changes: list[tuple[str, str]]) -> None:
    write_terms(root, *changes, dataset="orders")
    assert loading.load_contracts(root)


def test_a_promised_retention_that_maintenance_would_break(root: Path) -> None:
    write_terms(root, (SLA, f"{YEAR}, element: orders}}\n"), (", history]", "]"), dataset="orders")
    (one,) = faults_of(root)
    assert "sla: retention of 372 days is promised, but maintenance keeps snapshots for 7; add the zone" in one
    assert "maintenance: {monthlyTags: 12}" in one


def test_a_retention_is_a_number_of_whole_days_or_more(root: Path) -> None:
    write_terms(root, (SLA, "slaProperties:\n  - {property: retention, value: 12, unit: min}\n"), dataset="orders")
    assert "retention is 12 'min'; write a positive whole number and a unit" in faults_of(root)[0]
