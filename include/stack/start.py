"""Bring the processes up in the order they need each other, and make what they need to start."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable
from typing import Final

from headrace.systems.retry import Backoff
from headrace.systems.text import one_line
from include.stack import airflow, configuration, databases, health
from include.stack.buckets import make_buckets
from include.stack.contracts import applied_file
from include.stack.endpoints import endpoint
from include.stack.install import java_home
from include.stack.processes import STANDBY, WATCHDOG
from include.stack.settings import Settings
from include.stack.steps import AGAIN, StepFailed, side_by_side, take
from include.stack.supervisor import Supervisor

Report = Callable[[str], None]


def start(s: Settings, report: Report) -> None:
    """Every process up and healthy; what already runs is left alone.

    Raises:
        NotHealthy: a process did not come up in its time.
        StepFailed, HeadraceError: a step did not succeed, tried often enough.
    """
    take("write the configuration", lambda: configuration.write(s))
    take("make PostgreSQL's cluster", lambda: databases.initialise(s))
    take("format Kafka's log folder", lambda: format_kafka(s))
    supervisor = Supervisor(s)
    take("start the supervisor", supervisor.ensure_up, log=s.logs / "supervisord.log")
    store = s["HEADRACE_OBJECT_STORE"]

    def begin(*names: str) -> None:
        for name in names:
            take(f"start {name}", lambda name=name: supervisor.start(name), log=s.logs / "supervisord.log")  # type: ignore[misc]

    def bring(name: str) -> None:
        begin(name)
        report(f"{name} up after {health.wait(s, name, UP_WITHIN_S):.1f} s")

    def with_database() -> None:
        log = s.logs / "postgres.log"
        bring("postgres")
        take("make the databases and their roles", lambda: databases.make_roles(s), log=log)
        take("make the platform's tables", lambda: migrate_platform(s), log=log)
        begin("registry", "lineage")
        take("bring Airflow's database up to date", lambda: airflow.migrate(s), log=log, patience=FEW)
        begin(*AIRFLOW)

    def with_store() -> None:
        bring(store)
        if store == "minio":
            take("make the buckets", lambda: make_buckets(s), log=s.logs / "minio.log")

    def with_kafka() -> None:
        bring("kafka")
        begin("connect")

    side_by_side((with_database, with_kafka, with_store, lambda: bring("clickhouse")))
    begin(STANDBY)
    for name in ("registry", "lineage", "connect", *AIRFLOW):
        bring(name)
    begin(WATCHDOG)


UP_WITHIN_S: Final = 180.0
"""Seconds that a process may take until it answers; a busy machine needs many of them."""
FEW: Final = Backoff(tries=3, first_s=1.0)
"""Tries of a step that takes long."""
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
        raise StepFailed(f"could not format Kafka's log folder: {one_line(done.stdout + done.stderr)}; {AGAIN}")


def migrate_platform(s: Settings) -> None:
    """The platform's own tables, and the index of the applied contracts by its record."""
    from headrace.systems.platform.applied import AppliedRecord
    from headrace.systems.platform.hook import PlatformHook

    platform = PlatformHook(endpoint(s, "platform_default"))
    platform.migrate()
    AppliedRecord(platform).write_index(applied_file(s))
