"""What is said of the machine."""

from __future__ import annotations

from benchmarks import machine
from include.stack import settings
from include.stack.settings import SETTINGS


def test_cpu_model_and_memory() -> None:
    assert machine.cpu_model("processor\t: 0\nmodel name\t: AMD EPYC 9R14\nmodel name\t: other\n") == "AMD EPYC 9R14"
    assert machine.cpu_model("processor : 0\n")  # arm64 has no model name
    assert machine.memory_gib("MemTotal:       24683520 kB\nMemFree: 1 kB\n") == 23.5


def test_the_reported_settings_are_never_secret() -> None:
    values = settings.load({"HEADRACE_INSTANCE": "none"}).values | {
        s.name: "hush" for s in SETTINGS if s.kind == "secret"
    }
    sizes = machine.sizes(values)
    assert sizes["HEADRACE_MEMORY_KAFKA"].endswith("m")
    assert sizes["HEADRACE_SAMPLE"] == "all"
    assert "hush" not in sizes.values()


def test_one_line_for_people() -> None:
    described = {"cpu": "AMD EPYC", "cores": 2, "memory_gib": 23.5, "kernel": "Linux 6.18 x86_64"}
    assert machine.one_line(described) == "AMD EPYC, 2 cores, 24 GiB, Linux 6.18 x86_64"
