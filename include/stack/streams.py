"""The drivers of the stream groups as supervised processes: started by Airflow, never by the supervisor itself."""

from __future__ import annotations

import sys
from pathlib import Path

try:
    from headrace.contracts.index import load_index
except ImportError:
    load_index = lambda root: {}  # TEMP

from include.stack.airflow import environment
from include.stack.install import java_home
from include.stack.processes import Process, platform_dsn
from include.stack.settings import Settings


def stream_groups(root: Path) -> tuple[str, ...]:
    """Groups that the contracts name."""
    contracts = load_index(root / "include" / "schemas").values()
    return tuple(sorted({contract.stream_group for contract in contracts}))


def stream_processes(s: Settings) -> tuple[Process, ...]:
    """One process a group; `restarts=False` because a dead driver is Airflow's to bring back."""
    return tuple(_driver(s, group) for group in stream_groups(s.root))


def _driver(s: Settings, group: str) -> Process:
    script = s.root / "include" / "spark" / "streaming" / "driver.py"
    command = (sys.executable, str(script), "--group", group)
    return Process(f"stream-{group}", command, environment(s) | driver_environment(s, group), restarts=False, stop_seconds=30)


def driver_environment(s: Settings, group: str) -> dict[str, str]:
    """What a driver needs to know; read by include/spark/streaming/settings.py."""
    return {
        "HEADRACE_STREAM_CHECKPOINTS": str(s.data / "checkpoints" / group),
        "HEADRACE_PLATFORM_DSN": platform_dsn(s),
        "HEADRACE_KAFKA_BOOTSTRAP": f"{s.bind}:{s.port('KAFKA')}",
        "HEADRACE_REGISTRY_URL": f"http://{s.bind}:{s.port('REGISTRY')}/apis/ccompat/v7",
        "HEADRACE_CLICKHOUSE_HOST": s.bind,
        "HEADRACE_CLICKHOUSE_PORT": str(s.port("CLICKHOUSE")),
        "HEADRACE_CLICKHOUSE_USER": "headrace",
        "HEADRACE_CLICKHOUSE_PASSWORD": s["HEADRACE_PASSWORD_CLICKHOUSE"],
        "HEADRACE_SPARK_JARS": str(s.lib / "spark"),
        "HEADRACE_SPARK_MEMORY": s["HEADRACE_MEMORY_SPARK"],
        "JAVA_HOME": str(java_home()),
    }
