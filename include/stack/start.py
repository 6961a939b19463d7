"""Bring the processes up in the order they need each other, and make what they need to start."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from include.stack import airflow, configuration, databases, health
from include.stack.buckets import make_buckets
from include.stack.endpoints import endpoint
from include.stack.install import java_home
from include.stack.processes import STANDBY
from include.stack.settings import Settings
from include.stack.supervisor import Supervisor

Report = Callable[[str], None]


def start(s: Settings, report: Report) -> None:
    """Every process up and healthy; what already runs is left alone.

    Raises:
        NotHealthy: a process did not come up in its time.
    """
    configuration.write(s)
    databases.initialise(s)
    format_kafka(s)
    supervisor = Supervisor(s)
    supervisor.ensure_up()
    store = s["HEADRACE_OBJECT_STORE"]

    def bring(name: str, seconds: float) -> None:
        supervisor.start(name)
        report(f"{name} up after {health.wait(s, name, seconds):.1f} s")

    def with_database() -> None:
        bring("postgres", 60)
        databases.make_roles(s)
        migrate_platform(s)
        supervisor.start("registry")
        supervisor.start("lineage")
        airflow.migrate(s)
        for name in AIRFLOW:
            supervisor.start(name)

    def with_store() -> None:
        bring(store, 60)
        if store == "minio":
            make_buckets(s)

    def with_kafka() -> None:
        bring("kafka", 120)
        supervisor.start("connect")

    first: tuple[Callable[[], None], ...] = (
        with_database, with_kafka, with_store, lambda: bring("clickhouse", 60),
    )  # fmt: skip
    with ThreadPoolExecutor(len(first)) as pool:
        for job in [pool.submit(task) for task in first]:
            job.result()
    supervisor.start(STANDBY)
    for name in ("registry", "lineage", "connect", *AIRFLOW):
        bring(name, 180)


AIRFLOW = ("airflow-api", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer")


def format_kafka(s: Settings) -> None:
    """Give the broker's log folder its cluster id, once."""
    if (s.data / "kafka" / "meta.properties").exists():
        return
    cluster = uuid.uuid4().hex[:22]
    command = [
        str(java_home() / "bin" / "java"), "-XX:TieredStopAtLevel=1", "-cp", f"{s.lib / 'kafka'}/*",
        "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(s.run / "kafka.properties"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(f"Kafka's log folder could not be formatted: {done.stdout}{done.stderr}")


def migrate_platform(s: Settings) -> None:
    """The platform's own tables."""
    from headrace.systems.platform.hook import PlatformHook

    PlatformHook(endpoint(s, "platform_default")).migrate()
