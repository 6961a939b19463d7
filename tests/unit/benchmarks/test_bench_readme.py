"""The generated part of benchmarks/README.md."""

from __future__ import annotations

from types import ModuleType

import pytest

from benchmarks import readme, results, run
from benchmarks.figure import Figure


def module() -> ModuleType:
    made = ModuleType("speed")
    made.METHOD = "Rows are counted."
    made.FIGURES = (Figure("speed", "rows_per_s.kafka", "rows/s", "≥ 5"), Figure("absent", "x.y", "s"))
    made.CPU = {"a load": "cpu_s.by_process"}
    return made


def document(cores_of_others: float | None = 0.01) -> dict[str, object]:
    used = {"bench": 50.0, "kafka": 6.0, "airflow-api": 1.0, "airflow-scheduler": 3.0}
    repetition = {"rows_per_s": {"kafka": 12345.6}, "cpu_s": {"by_process": used}}
    return {
        "benchmark": "speed",
        "date": "2026-11-23T16:00:00+00:00",
        "command": "./headrace bench speed",
        "commit": "0123abcd",
        "machine": {"cpu": "AMD EPYC", "cores": 2, "memory_gib": 23.5, "kernel": "Linux 6.18 x86_64"},
        "cores_of_others": cores_of_others,
        "repetitions": [repetition],
        "summary": results.summary([repetition]),
    }


def test_a_figure_is_a_line() -> None:
    text = readme.render({"speed": module()}, {"speed": document()})
    line = "| speed | 12,346 | 12,346 … 12,346 | rows/s | ≥ 5 | [speed](results/speed.json), n = 1 |"
    assert line in text.splitlines()
    assert "absent" not in text
    assert "- `speed`. Rows are counted." in text
    assert "commit 0123abcd, `./headrace bench speed`, AMD EPYC, 2 cores" in text


def test_cpu_shares_join_airflow_and_leave_out_what_measures() -> None:
    text = readme.render({"speed": module()}, {"speed": document()})
    assert "| a load | kafka 6.0 (60%), airflow 4.0 (40%) |" in text.splitlines()


@pytest.mark.parametrize(("cores", "marked"), [(None, False), (0.05, False), (0.5, True)])
def test_figures_of_a_busy_machine_are_marked(cores: float | None, marked: bool) -> None:
    assert ("⚠" in readme.render({"speed": module()}, {"speed": document(cores)})) is marked


def test_only_what_is_between_the_markers_changes() -> None:
    text = f"# Title\n{readme.BEGIN}\nold\n{readme.END}\nrest\n"
    once = readme.replaced(text, "new\n")
    assert once == f"# Title\n{readme.BEGIN}\n\nnew\n\n{readme.END}\nrest\n"
    assert readme.replaced(once, "new") == once
    with pytest.raises(ValueError, match="figures"):
        readme.replaced("nothing here", "new")


@pytest.mark.parametrize(("value", "text"), [(0.0421, "0.0421"), (12.34, "12.3"), (3.0, "3"), (31999.6, "32,000")])
def test_numbers_for_people(value: float, text: str) -> None:
    assert readme.number(value) == text


def test_the_committed_table_is_that_of_the_committed_results() -> None:
    text = run.README.read_text(encoding="utf-8")
    modules = {name: run.module(name) for name in run.NAMES}
    assert readme.replaced(text, readme.render(modules, results.read_all(results.FOLDER))) == text


@pytest.mark.parametrize("name", run.NAMES)
def test_every_benchmark_is_described(name: str) -> None:
    chosen = run.module(name)
    assert chosen.__doc__
    assert chosen.METHOD
    assert chosen.REPETITIONS >= 1
    paths = [figure.path for figure in chosen.FIGURES]
    assert paths
    assert len(paths) == len(set(paths))


def test_a_wrong_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["speed"], keep=False, instance="bench", quick=True, repetitions=None, output=None) == 2
    assert "freshness" in capsys.readouterr().err
