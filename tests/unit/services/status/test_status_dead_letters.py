"""Dead letters in the hop table."""

from __future__ import annotations

from headrace.services.status.table import Hop, Hops, to_json


def row(raw: Hop, warehouse: Hop) -> Hops:
    return Hops("shop.items", Hop(rows=5), Hop(rows=5, changes=9), raw, warehouse)


def test_a_waiting_dead_letter_is_missing_and_a_discarded_one_is_not() -> None:
    whole = Hop(rows=5, changes=9)
    waits, given_up = Hop(rows=5, changes=8, waiting=1), Hop(rows=5, changes=8, discarded=1)
    assert row(whole, whole).agree
    assert not row(waits, whole).agree
    assert row(given_up, given_up).agree
    assert (row(waits, waits).waiting, row(given_up, whole).waiting) == (2, 0)


def test_json_has_dead_letters_where_there_are_any() -> None:
    shown = to_json([row(Hop(rows=5, changes=8, waiting=1), Hop(rows=5, changes=9))])["shop.items"]
    assert shown["raw"] == {"rows": 5, "changes": 8, "waiting": 1}
    assert shown["warehouse"] == {"rows": 5, "changes": 9}
