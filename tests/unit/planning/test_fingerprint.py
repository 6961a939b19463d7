"""What makes a refinement begin anew, and what does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from headrace.contracts.contract import Contract, Rule
from headrace.contracts.index import contracts_folder, load_index
from headrace.contracts.types import Field, Primitive
from headrace.planning import fingerprint as module
from headrace.planning.fingerprint import fingerprint

CONTRACT = load_index(contracts_folder(Path(__file__).parents[3]))["retail.transactions"]
KEY = "a key of thirty-two letters or more"


def with_field(field: Field) -> Contract:
    return replace(CONTRACT, record=replace(CONTRACT.record, fields=(*CONTRACT.record.fields, field)))


def tightened(name: str, **definition: object) -> Contract:
    rules = (replace(r, definition={**r.definition, **definition}) if r.name == name else r for r in CONTRACT.quality)
    return replace(CONTRACT, quality=tuple(rules))


def field(*, nullable: bool, default: object) -> Field:
    return replace(CONTRACT.record.fields[-1], name="new", type=Primitive("int"), nullable=nullable, default=default)


@pytest.mark.parametrize(
    "changed",
    [
        tightened("week_invalidValues", arguments={"validValues": {"min": 1, "max": 52}}),
        replace(CONTRACT, quality=()),
        replace(CONTRACT, tokenised=()),
        replace(CONTRACT, zones=("raw", "cleaned")),
        with_field(field(nullable=False, default=0)),
        with_field(field(nullable=True, default=0)),
    ],
    ids=["rule", "no rule", "tokens", "zones", "required field", "default"],
)
def test_what_gives_other_rows(changed: Contract) -> None:
    assert fingerprint(changed, KEY) != fingerprint(CONTRACT, KEY)


@pytest.mark.parametrize(
    "changed",
    [
        tightened("quantity_invalidValues", arguments={"validValues": {"min": 0}}),  # a warning
        replace(CONTRACT, quality=(*CONTRACT.quality, Rule("few", "library", None, "error", {"metric": "rowCount"}))),
        replace(CONTRACT, owner="somebody else", serving="postgres"),
        with_field(field(nullable=True, default=None)),
    ],
    ids=["warning", "rule of the table", "owner", "nullable field"],
)
def test_what_does_not(changed: Contract) -> None:
    assert fingerprint(changed, KEY) == fingerprint(CONTRACT, KEY)


def test_the_key_of_the_tokens_and_the_engine_count(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint(CONTRACT, KEY)
    assert fingerprint(CONTRACT, "another key") != before
    monkeypatch.setattr(module, "ENGINE", module.ENGINE + 1)
    assert fingerprint(CONTRACT, KEY) != before
