"""Start all processes in order of their dependencies, and prepare their configuration, databases and users."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from headrace.systems.retry import Backoff
from include.stack import databases
from include.stack.contracts import applied_file
from include.stack.endpoints import endpoint
from include.stack.services import airflow, kafka, minio, postgres, seaweedfs
from include.stack.services.watchdog import WATCHDOG
from include.stack.settings import Settings
from include.stack.sockets import STANDBY
from include.stack.steps import side_by_side, take
from include.stack.supervision import configuration, health
from include.stack.supervision.supervisor import Supervisor

Report = Callable[[str], None]


def start(s: Settings, report: Report) -> None:
    """Start every process and wait until it is healthy; running processes are left alone.

    Raises:
        NotHealthy: a process did not become healthy in time.
        StepFailed, HeadraceError: a step failed after all retries.
    """
    take("write the configuration", lambda: configuration.write(s))
    take("create PostgreSQL's cluster", lambda: postgres.make_cluster(s))
    take("format Kafka's log folder", lambda: kafka.format_folder(s))
    supervisor = Supervisor(s)
    take("start the supervisor", supervisor.ensure_up, log=s.logs / "supervisord.log")
    store = s["HEADRACE_OBJECT_STORE"]

    def begin(*names: str) -> None:
        for name in names:
            take(f"start {name}", lambda name=name: supervisor.start(name), log=s.logs / "supervisord.log")  # type: ignore[misc]

    def bring(name: str) -> None:
        begin(name)
        report(f"{name} up after {health.wait(s, name):.1f} s")

    def with_database() -> None:
        log = s.logs / "postgres.log"
        bring("postgres")
        take("create the databases and their roles", lambda: databases.make_roles(s), log=log)
        take("create the platform's tables", lambda: migrate_platform(s), log=log)
        begin("registry", "lineage")
        take("migrate Airflow's database", lambda: airflow.migrate(s), log=log, patience=FEW)
        begin(*AIRFLOW)

    def with_store() -> None:
        if store == "seaweedfs":
            take("create the certificate of SeaweedFS's components", lambda: seaweedfs.make_certificate(s))
        bring(store)
        if store == "minio":
            take("create the buckets", lambda: minio.make_buckets(s), log=s.logs / "minio.log")

    def with_kafka() -> None:
        bring("kafka")
        take("create Kafka's users", lambda: kafka.make_users(s), log=s.logs / "kafka.log")
        begin("connect")

    side_by_side((with_database, with_kafka, with_store, lambda: bring("clickhouse")))
    begin(STANDBY)
    for name in ("registry", "lineage", "connect", *AIRFLOW):
        bring(name)
    begin(WATCHDOG)


FEW: Final = Backoff(tries=3, first_s=1.0)
"""Retries of a slow step."""
AIRFLOW = ("airflow-api", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer")


def migrate_platform(s: Settings) -> None:
    """Migrate the platform's tables, grant the lineage role access, and write the index of the applied contracts."""
    from headrace.systems.platform.applied import AppliedRecord
    from headrace.systems.platform.hook import PlatformHook

    platform = PlatformHook(endpoint(s, "platform_default"))
    platform.migrate()
    databases.let_lineage_in(s)
    AppliedRecord(platform).write_index(applied_file(s))
