"""`./headrace demo`: its steps run in order, stop at the first failure, and its contract is a valid one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from include.stack.commands.demo import DemoStopped, run_steps
from include.stack.demo import orders
from include.stack.demo.stage import Stage, Unmet
from include.stack.demo.step import Seen, Step
from include.stack.demo.story import STEPS
from include.stack.settings import SETTINGS, Settings, ensure_secrets, load

ROOT = Path(__file__).parents[3]


@pytest.fixture
def s(tmp_path: Path) -> Settings:
    environ = {"HEADRACE_ROOT": str(ROOT), "HEADRACE_STATE": str(tmp_path), "HEADRACE_INSTANCE": "unit"}
    return ensure_secrets(load(environ), environ)


@pytest.fixture
def stage(s: Settings) -> Stage:
    return Stage(s, lambda line: None)


def step(title: str, done: list[str], error: Exception | None = None) -> Step:
    def act(_: Stage) -> Seen:
        if error:
            raise error
        done.append(title)
        return Seen(((f"rows of {title}", "[7]"),), ("here",))

    return Step(title, "", lambda s: (f"type {title}",), act)


def test_steps_run_in_order_and_wait_only_between_two_of_them(stage: Stage, capsys: Any) -> None:
    done = list[str]()
    run_steps([step(title, done) for title in "abc"], stage, first=1, pause=lambda: done.append("pause"))
    assert done == ["a", "pause", "b", "pause", "c"]
    shown = capsys.readouterr().out
    assert all(text in shown for text in ("1. a", "type b", "rows of c", "[7]", "Look: here"))


def test_an_unattended_demo_does_not_wait_and_starts_at_the_named_step(stage: Stage) -> None:
    done = list[str]()
    run_steps([step(title, done) for title in "abc"], stage, first=2, pause=None)
    assert done == ["b", "c"]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (Unmet("3 rows", 2, "see ./headrace status"), "expected 3 rows; found 2. Next: see ./headrace status"),
        (OSError("no route"), "OSError: no route"),
    ],
)
def test_a_failed_step_is_named_with_its_cause_and_no_later_step_runs(
    stage: Stage, error: Exception, message: str
) -> None:
    done = list[str]()
    with pytest.raises(DemoStopped) as stopped:
        run_steps([step("a", done), step("b", done, error), step("c", done)], stage, first=1, pause=None)
    assert f"step 2, b: {message}" in str(stopped.value)
    assert "./headrace demo --from 2" in str(stopped.value)
    assert done == ["a"]


def test_a_wait_returns_what_meets_the_expectation_or_raises_with_what_was_found(stage: Stage) -> None:
    numbers = iter(range(9))
    assert stage.wait("3", lambda: next(numbers), lambda n: n == 3, next_step="", poll_s=0) == 3
    with pytest.raises(Unmet, match="expected 3 within 0 s; found 2"):
        stage.wait("3", lambda: 2, lambda n: n == 3, next_step="look", within_s=0, poll_s=0)


def test_the_contract_is_valid_with_and_without_the_new_field() -> None:
    before, after = orders.contract(), orders.contract(new_field=True)
    assert before.id == orders.DATASET
    assert set(before.zones) == {"raw", "cleaned", "history", "quarantine"}
    assert [field.name for field in after.record.fields] == [
        *(field.name for field in before.record.fields),
        orders.NEW_FIELD["name"],
    ]


def test_no_command_that_a_step_shows_contains_a_password(s: Settings) -> None:
    commands = "\n".join(command for each in STEPS for command in each.commands(s))
    assert "$HEADRACE_PASSWORD_SHOP" in commands
    assert not [setting.name for setting in SETTINGS if setting.kind == "secret" and s[setting.name] in commands]
