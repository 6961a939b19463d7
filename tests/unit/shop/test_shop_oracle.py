from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from include.shop.oracle import Fingerprint, await_equal, compare

TRUTH = Fingerprint(
    rows=1000,
    duplicates=0,
    sums={"basket_id": 5000, "sales_value": Decimal("12.50")},
    nulls={"basket_id": 0, "sales_value": 0},
    hash=0xABC,
)


def hops(**other: Fingerprint) -> dict[str, dict[str, Fingerprint]]:
    return {"source": {"retail.t": TRUTH}} | {hop: {"retail.t": f} for hop, f in other.items()}


def test_equal_fingerprints_are_equal_whatever_their_decimals_look_like() -> None:
    same = replace(TRUTH, sums={"basket_id": 5000, "sales_value": Decimal("12.5")})
    comparison = compare(hops(raw=same, warehouse=TRUTH))
    assert comparison.equal
    assert str(comparison).splitlines() == [
        "dataset   source    raw  warehouse",
        "retail.t   1,000  1,000      1,000  equal",
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rows": 999}, "rows is 999, not 1,000"),
        ({"duplicates": 2}, "duplicates is 2, not 0"),
        ({"hash": 0xABD}, "hash is 0000000000000abd, not 0000000000000abc"),
        (
            {"sums": {"basket_id": 5000, "sales_value": Decimal("12.51")}},
            "sum of sales_value is 12.51, not 12.50",
        ),
        ({"sums": {"basket_id": 5000}}, "sum of sales_value is absent, not 12.50"),
        ({"nulls": {"basket_id": 1, "sales_value": 0}}, "nulls in basket_id is 1, not 0"),
    ],
)
def test_every_part_of_a_fingerprint_counts(change: dict[str, object], sentence: str) -> None:
    comparison = compare(hops(raw=replace(TRUTH, **change)))  # type: ignore[arg-type]
    assert not comparison.equal
    assert [str(comparison).splitlines()[-1]] == [f"retail.t in raw: {sentence}"]
    assert "DIFFERS" in str(comparison)


def test_duplicates_are_wrong_even_where_the_truth_is_kept() -> None:
    twice = {"retail.t": replace(TRUTH, duplicates=1)}
    assert not compare({"source": twice, "raw": twice}).equal


@pytest.mark.parametrize("absent", ["source", "raw"])
def test_a_dataset_that_one_hop_lacks_is_a_difference(absent: str) -> None:
    fingerprints = hops(raw=TRUTH) | {absent: {}}
    comparison = compare(fingerprints)
    assert [d.what for d in comparison.differences] == ["dataset"]
    assert "absent" in str(comparison)


def test_waiting_ends_as_soon_as_all_is_equal() -> None:
    answers = iter([replace(TRUTH, rows=1), replace(TRUTH, rows=2), TRUTH])
    assert await_equal(lambda: hops(raw=next(answers)), timeout_s=60, every_s=0).equal
    assert next(answers, None) is None


def test_waiting_ends_with_what_differs_when_the_time_is_up() -> None:
    comparison = await_equal(lambda: hops(raw=replace(TRUTH, rows=1)), timeout_s=0.05, every_s=0.01)
    assert [d.what for d in comparison.differences] == ["rows"]
