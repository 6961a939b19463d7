"""Two test runs never share an instance."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from include.stack.commands.testing import alone
from include.stack.settings import Settings, load


@pytest.fixture
def test(tmp_path: Path) -> Settings:
    return load({"HEADRACE_STATE": str(tmp_path), "HEADRACE_INSTANCE": "unit"})


def test_a_second_run_on_the_instance_is_refused_with_the_process_that_has_it(test: Settings) -> None:
    message = rf"on the instance unit in process {os.getpid()}: wait for it, or use another: TEST_HEADRACE_INSTANCE"
    with alone(test), pytest.raises(SystemExit, match=message), alone(test):
        pytest.fail("both run")


def test_the_next_run_may_have_it(test: Settings) -> None:
    for _ in range(2):
        with alone(test):
            assert test.home.with_suffix(".lock").read_text() == str(os.getpid())


def test_another_instance_is_another_matter(test: Settings, tmp_path: Path) -> None:
    with alone(test), alone(load({"HEADRACE_STATE": str(tmp_path), "HEADRACE_INSTANCE": "other"})):
        pass
