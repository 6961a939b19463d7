from __future__ import annotations

import pytest
from typer.testing import CliRunner

from include.shop.cli import app

NOWHERE = "host=127.0.0.1 port=1 connect_timeout=1"


@pytest.mark.parametrize("command", [["load"], ["live"]])
def test_a_database_that_is_away_is_one_clear_sentence(command: list[str]) -> None:
    result = CliRunner().invoke(app, [*command, "--dsn", NOWHERE])
    assert result.exit_code == 1
    assert result.stderr.startswith("the OLTP database does not answer: ")
    assert "Traceback" not in result.output


def test_a_wrong_sample_is_one_clear_sentence() -> None:
    result = CliRunner().invoke(app, ["load", "--dsn", NOWHERE, "--sample", "some"])
    assert result.exit_code == 1
    assert result.stderr == ("sample must be a share between 0 and 1, a whole number of rows, or \"all\"; got 'some'\n")


@pytest.mark.parametrize("command", [[], ["load"], ["live"]])
def test_every_option_explains_itself(command: list[str]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    options = [line for line in result.output.splitlines() if "--" in line and "│" in line]
    assert all(len(line.replace("│", "").split()) > 3 for line in options)
