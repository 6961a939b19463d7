"""Every PostgreSQL type that a contract may declare as string is no change of the registered schema."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from headrace.contracts.targets import debezium
from headrace.contracts.types import Array, AvroType
from headrace.planning.resources import Resource
from tests.unit.planning.cases import LINES, STRING, field, plan_of, with_field, world

VALUE = ("subject", "oltp.retail.basket_lines-value")
KINDS: list[Any] = [
    "string",
    *({"type": "string", "connect.version": 1, "connect.name": n} for n in sorted(debezium.TEXTS)),
]


def _registered(there: dict[Any, Resource], kind: Any) -> dict[Any, Resource]:
    """What is observed once Debezium has registered the column `doc` as that kind of text."""
    spec = copy.deepcopy(dict(there[VALUE].spec))
    row = spec["schema"]["fields"][0]["type"][1]
    (column,) = (f for f in row["fields"] if f["name"] == "doc")
    if isinstance(column["type"], list):
        column["type"] = [b if b == "null" else _as(b, kind) for b in column["type"]]
    else:
        column["type"] = _as(column["type"], kind)
    return {**there, VALUE: replace(there[VALUE], spec=spec)}


def _as(type_: Any, kind: Any) -> Any:
    return {**type_, "items": ["null", kind]} if isinstance(type_, dict) else kind


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind if isinstance(kind, str) else kind["connect.name"])
@pytest.mark.parametrize("nullable", [False, True])
@pytest.mark.parametrize("type_", [STRING, Array(STRING, 21, element_nullable=True)], ids=["column", "array"])
def test_a_kind_of_text_is_a_string(kind: Any, nullable: bool, type_: AvroType) -> None:
    contract = with_field(LINES, field("doc", 20, type_, nullable=nullable))
    plan = plan_of(contract, there=_registered(world(contract), kind))
    assert plan.empty, plan.changes


def test_another_kind_of_value_is_none() -> None:
    contract = with_field(LINES, field("doc", 20, STRING))
    uuid = {"type": "string", "connect.version": 1, "connect.name": "io.debezium.data.Uuid"}
    assert not plan_of(contract, there=_registered(world(contract), uuid)).empty
