"""`./headrace test --long` selects the long tests alone, and writes how they ended."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import suite_results
from include.stack.settings import load

TESTS = """
import pytest

def test_short():
    pass

@pytest.mark.long
@pytest.mark.parametrize("wanted", [1, 2])
def test_long(wanted, record_property):
    record_property("rows", 1000)
    assert wanted == 1
"""


@pytest.mark.parametrize(
    ("option", "selected"), [((), ["test_short"]), (("--long",), ["test_long[1]", "test_long[2]"])]
)
def test_the_option_chooses_between_long_tests_and_the_others(
    tmp_path: Path, option: tuple[str, ...], selected: list[str]
) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    assert ran(tmp_path, *option)[0] == selected


def test_the_result_names_each_test_its_outcome_and_what_it_counted(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    _, report = ran(tmp_path, "--long")
    path = suite_results.write(
        suite_results.LONG, {"long": report}, load({"HEADRACE_STATE": str(tmp_path)}), tmp_path / "results"
    )
    found = json.loads(path.read_text())
    assert path.name == "long.json"
    assert found["counts"] == {"passed": 1, "failed": 1}
    assert [test["properties"] for test in found["tests"]] == [{"rows": "1000"}] * 2
    assert found["commit"] and found["machine"]["cores"] and found["date"]


def ran(folder: Path, *options: str) -> tuple[list[str], Path]:
    """Names of the tests that ran, and the report; with the selection of this project's conftest."""
    root, report = Path(__file__).parents[3], folder / "report.xml"
    (folder / "conftest.py").write_text(
        "from tests.conftest import pytest_addoption, pytest_collection_modifyitems  # noqa: F401"
    )
    command = [sys.executable, "-m", "pytest", str(folder), "-c", str(root / "pyproject.toml"), f"--rootdir={folder}"]
    subprocess.run([*command, f"--junitxml={report}", *options], cwd=root, capture_output=True, timeout=60, check=False)
    return [test["test"].rpartition("::")[2] for test in suite_results.outcomes(report)], report
