"""A key is written as the dead letter of a source writes it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.fidelity.kinds import KINDS
from tests.fidelity.named import named
from tests.fidelity.tables import Column, K, Table


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("boolean", True, "true"),
        ("integer", -(2**31), "-2147483648"),
        ("numeric_12_2", (-5, 2), "-0.05"),
        ("numeric_12_2", (3, -1), "30.00"),
        ("numeric_12_2", (0, 0), "0.00"),
        ("numeric_9_0", (7, 0), "7"),
        ("numeric_12_2", "nan", "NaN"),
        ("text", "a, k=1", "a, k=1"),
        ("bytea", b"\x00\xff", "\\x00ff"),
        ("date", 0, "1970-01-01"),
        ("date", -735_160, "-0043-03-15"),
        ("date", 2_932_897, "+10000-01-01"),
        ("date", "-infinity", "-infinity"),
        ("timestamptz", 1_500_000, "1970-01-01T00:00:01.500000Z"),
        ("timestamptz_3", 1_500_000, "1970-01-01T00:00:01.500Z"),
        ("timestamptz", "infinity", "infinity"),
    ],
)
def test_a_key_reads_as_in_the_dead_letter(kind: str, value: Any, text: str) -> None:
    table = Table("t", (Column("p", KINDS[kind], in_key=True), replace(K, in_key=True)))
    assert named(table, (value, 5)) == f"p={text}, k=5"
