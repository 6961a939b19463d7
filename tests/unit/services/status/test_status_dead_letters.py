"""Dead letters in the hop table."""

from __future__ import annotations

from headrace.services.status.table import Hop, Hops, to_json


def row(raw: Hop, warehouse: Hop) -> Hops:
    return Hops("shop.items", Hop(rows=5), Hop(rows=5, changes=9), raw, warehouse)


def test_a_letter_that_waits_is_missing_and_one_that_was_given_up_is_not() -> None:
    whole = Hop(rows=5, changes=9)
    waits, given_up = Hop(rows=5, changes=8, waiting=1), Hop(rows=5, changes=8, discarded=1)
    assert row(whole, whole).agree
    assert not row(waits, whole).agree
    assert row(given_up, given_up).agree
    assert (row(waits, waits).waiting, row(given_up, whole).waiting) == (2, 0)


def test_letters_are_told_to_programs_where_there_are_any() -> None:
    told = to_json([row(Hop(rows=5, changes=8, waiting=1), Hop(rows=5, changes=9))])["shop.items"]
    assert told["raw"] == {"rows": 5, "changes": 8, "waiting": 1}
    assert told["warehouse"] == {"rows": 5, "changes": 9}
