"""When the build of a mart is due: its inputs have rows, and other rows than at its last build."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.services.refinement import triggers
from headrace.services.refinement.due import Seen
from headrace.services.refinement.ledger import Built, Ledger
from headrace.services.refinement.triggers import BUILD_EVERY_S, MartInputsTrigger, RawLandedTrigger

ROOT = Path(__file__).parents[4]
MART = "marts.store_daily"
READ = ("cleaned.retail_transactions",)


def poll(monkeypatch: pytest.MonkeyPatch, now: dict[str, int | None], built: Built | None) -> Seen | None:
    monkeypatch.setattr(Ledger, "built", lambda _, marts: {MART: built} if built else {})
    lake: Any = SimpleNamespace(content=now.get)
    kwargs = {"schemas": str(ROOT / "include" / "schemas"), "sql": str(ROOT / "include" / "sql" / "marts")}
    platform: Any = None
    return MartInputsTrigger.poll(kwargs, [MART, "marts.unknown"], lake, platform).get(MART)


@pytest.mark.parametrize("content", [None, 0])
def test_a_mart_is_not_due_while_an_input_is_empty(monkeypatch: pytest.MonkeyPatch, content: int | None) -> None:
    assert poll(monkeypatch, dict.fromkeys(READ, content), None) is None


def test_a_mart_that_was_never_built_is_due_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert poll(monkeypatch, dict.fromkeys(READ, 7), None) == Seen({READ[0]: 7}, None, 0.0)


def test_a_mart_rests_after_a_build_and_is_not_due_while_its_inputs_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = poll(monkeypatch, dict.fromkeys(READ, 8), Built({READ[0]: 7}, ago_s=60.0))
    assert seen == Seen({READ[0]: 8}, {READ[0]: 7}, BUILD_EVERY_S - 60.0)
    same = poll(monkeypatch, dict.fromkeys(READ, 7), Built({READ[0]: 7}, ago_s=60.0))
    assert same and same.state == same.done


def test_a_mart_whose_sql_is_not_readable_is_never_due(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Ledger, "built", lambda _, marts: {})
    unused: Any = None
    kwargs = {"schemas": str(ROOT / "include" / "schemas"), "sql": str(tmp_path)}
    assert MartInputsTrigger.poll(kwargs, [MART], unused, unused) == {}


def test_marts_and_refinements_have_polls_of_their_own() -> None:
    mart, refinement = MartInputsTrigger(MART, "x", "sql"), RawLandedTrigger(MART, "x")
    assert mart.shared_stream_key() != refinement.shared_stream_key()
    assert MartInputsTrigger.watched is not RawLandedTrigger.watched
    path, arguments = mart.serialize()
    assert getattr(triggers, path.rpartition(".")[2])(**arguments).serialize() == mart.serialize()
