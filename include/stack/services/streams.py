"""Processes of the stream groups' drivers. Airflow starts them; the supervisor does not start them itself."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Final

from headrace.planning.streams import StreamPlan, stream_plans
from headrace.systems.kafka.login import login
from include.stack.contracts import applied
from include.stack.databases import role_dsn
from include.stack.environment import shared
from include.stack.install import java_home
from include.stack.services.process import Process
from include.stack.settings import Settings

PREFIX: Final = "stream-"
"""Prefix of a driver's process name; the group name follows."""


def plans(s: Settings) -> dict[str, StreamPlan]:
    """Return stream group → plan of its driver, from the applied contracts."""
    return stream_plans(applied(s).values())


def stream_processes(s: Settings) -> tuple[Process, ...]:
    """Return one process per stream group."""
    return tuple(stream_process(s, group) for group in plans(s))


def stream_process(s: Settings, group: str) -> Process:
    """Return the process of a group's driver."""
    script = s.root / "include" / "spark" / "streaming" / "driver.py"
    command = (sys.executable, str(script), "--group", group)
    return replace(program(group), command=command, environ=shared(s) | driver_environment(s, group))


def program(group: str) -> Process:
    """Return a driver's process without command; `restarts=False` because Airflow restarts it."""
    return Process(f"{PREFIX}{group}", (), restarts=False, stop_seconds=30)


def driver_environment(s: Settings, group: str) -> dict[str, str]:
    """Return a driver's environment, which plugins/headrace/streaming/settings.py reads."""
    return {
        "HEADRACE_STREAM_CHECKPOINTS": str(s.data / "checkpoints" / group),
        "HEADRACE_PLATFORM_DSN": role_dsn(s, "headrace_platform"),
        "HEADRACE_KAFKA_BOOTSTRAP": f"{s.bind}:{s.port('KAFKA')}",
        "HEADRACE_KAFKA_OPTIONS": json.dumps(login("streams", s["HEADRACE_PASSWORD_KAFKA_STREAMS"])),
        "HEADRACE_REGISTRY_URL": f"http://{s.bind}:{s.port('REGISTRY')}/apis/ccompat/v7",
        "HEADRACE_REGISTRY_USER": "streams",
        "HEADRACE_REGISTRY_PASSWORD": s["HEADRACE_PASSWORD_REGISTRY_STREAMS"],
        "HEADRACE_CLICKHOUSE_HOST": s.bind,
        "HEADRACE_CLICKHOUSE_PORT": str(s.port("CLICKHOUSE")),
        "HEADRACE_CLICKHOUSE_USER": "headrace",
        "HEADRACE_CLICKHOUSE_PASSWORD": s["HEADRACE_PASSWORD_CLICKHOUSE"],
        "HEADRACE_SPARK_JARS": str(s.lib / "spark"),
        "HEADRACE_SPARK_MEMORY": s["HEADRACE_MEMORY_SPARK"],
        "JAVA_HOME": str(java_home()),
    }
