"""The parts of the suite: each test is in one of them, a selection is not split, and the worst outcome counts."""

from __future__ import annotations

import os
import sys
from itertools import chain, combinations
from pathlib import Path

import pytest
from _pytest.mark.expression import Expression

from include.stack.commands.test_parts import (
    BESIDE,
    ENGINES,
    NO_ENGINES,
    NO_TESTS,
    ON_STACK,
    PARTS,
    WITHOUT_STACK,
    Lane,
    Suite,
    is_whole,
)
from include.stack.settings import load
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[3]
MARKS = ("stack", "beside", "engine", "faults", "slow")
TESTS = """
import pytest

def test_without_a_stack():
    pass

@pytest.mark.stack
@pytest.mark.beside
def test_beside():
    raise AssertionError("it fails")

@pytest.mark.stack
def test_on_the_stack():
    pass
"""


@pytest.mark.parametrize("marks", chain.from_iterable(combinations(MARKS, n) for n in range(len(MARKS) + 1)))
def test_every_test_is_in_one_part(marks: tuple[str, ...]) -> None:
    chosen = [part for part in PARTS if Expression.compile(part).evaluate(lambda name, **_: name in marks)]
    assert len(chosen) == 1
    assert Expression.compile(NO_ENGINES).evaluate(lambda name, **_: name in marks) is (chosen != [ENGINES])


@pytest.mark.parametrize(
    ("arguments", "whole"),
    [
        ([], True),
        (["-q", "-x", "--durations=0"], True),
        (["tests/unit"], False),
        (["tests/unit/stack/test_parts_of_the_suite.py::test_every_test_is_in_one_part"], False),
        (["-k", "lineage"], False),
        (["-m", "faults"], False),
        (["--long"], False),
    ],
)
def test_a_selection_is_not_split(arguments: list[str], whole: bool) -> None:
    assert is_whole(ROOT, arguments) is whole


def test_all_parts_run_and_the_worst_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    s = load({"HEADRACE_ROOT": str(tmp_path), "HEADRACE_STATE": str(tmp_path)})
    suite = Suite(s, [str(tmp_path), "-p", "no:cacheprovider", "-W", "ignore"], tmp_path, 120)
    environ = os.environ | {"PYTHONPATH": str(Path(sys.executable).parent)}
    in_background = (WITHOUT_STACK, BESIDE)
    with Lane(suite) as lane:
        for part in in_background:
            lane.add(part, environ)
        for part in set(PARTS) - set(in_background):
            suite.run(part, environ)
        lane.finish()
    passed = {WITHOUT_STACK: 0, ON_STACK: 0, BESIDE: 1}
    assert suite.codes == {part: passed.get(part, NO_TESTS) for part in PARTS}
    assert suite.report() == 1
    assert "2 passed, 1 failures" in capsys.readouterr().out.splitlines()[-1]


def test_a_part_that_broke_off_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite = Suite(load({"HEADRACE_ROOT": str(tmp_path), "HEADRACE_STATE": str(tmp_path)}), [], tmp_path, 60)
    suite.ended(PARTS[0], -9, 0.0)
    assert suite.report() == -9
    assert "1 aborted" in capsys.readouterr().out


def test_what_runs_in_the_background_ends_with_its_lane(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("import time\n\ndef test_that_takes_long():\n    time.sleep(600)\n")
    suite = Suite(load({"HEADRACE_ROOT": str(tmp_path), "HEADRACE_STATE": str(tmp_path)}), [], tmp_path, 120)
    with Lane(suite) as lane:
        lane.add(WITHOUT_STACK, os.environ)
        lane.add(ON_STACK, os.environ)
        log = suite.log(WITHOUT_STACK)
        wait_until(lambda: log.exists() and "test_it.py" in log.read_text(), 60, "it does not begin")
    wait_until(lambda: WITHOUT_STACK in suite.codes, 30, "it does not end")
    assert suite.codes[WITHOUT_STACK] != 0
    assert not suite.log(ON_STACK).exists()
