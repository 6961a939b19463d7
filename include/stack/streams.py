"""The drivers of the stream groups as supervised processes: started by Airflow, never by the supervisor itself."""

from __future__ import annotations

import sys

from headrace.planning.streams import StreamPlan, stream_plans
from include.stack.airflow import environment
from include.stack.contracts import contracts
from include.stack.databases import role_dsn
from include.stack.install import java_home
from include.stack.processes import Process
from include.stack.settings import Settings


def plans(s: Settings) -> dict[str, StreamPlan]:
    """Stream group → what its driver has to run."""
    return stream_plans(contracts(s).values())


def stream_processes(s: Settings) -> tuple[Process, ...]:
    """One process a group; `restarts=False` because a dead driver is Airflow's to bring back."""
    return tuple(_driver(s, plan) for plan in plans(s).values())


def _driver(s: Settings, plan: StreamPlan) -> Process:
    script = s.root / "include" / "spark" / "streaming" / "driver.py"
    command = (sys.executable, str(script), "--group", plan.group)
    environ = environment(s) | driver_environment(s, plan)
    return Process(f"stream-{plan.group}", command, environ, restarts=False, stop_seconds=30)


def driver_environment(s: Settings, plan: StreamPlan) -> dict[str, str]:
    """What a driver needs to know; read by include/spark/streaming/settings.py."""
    return {
        "HEADRACE_STREAM_CHECKPOINTS": str(s.data / "checkpoints" / plan.group),
        "HEADRACE_PLAN_VERSION": plan.version,
        "HEADRACE_PLATFORM_DSN": role_dsn(s, "headrace_platform"),
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
