"""Start all processes in order of their dependencies, and prepare their configuration, databases and users."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import Final

from headrace.systems.retry import Backoff
from include.stack import databases
from include.stack.contracts import applied_file
from include.stack.endpoints import endpoint
from include.stack.install import Installing
from include.stack.services import airflow, kafka, minio, postgres, seaweedfs
from include.stack.services.watchdog import WATCHDOG
from include.stack.settings import Settings
from include.stack.sockets import STANDBY
from include.stack.steps import side_by_side, take
from include.stack.supervision import configuration, health
from include.stack.supervision.supervisor import Supervisor

Report = Callable[[str], None]


def start(s: Settings, report: Report, installing: Installing, seed: Callable[[], None]) -> None:
    """Start every process and wait until it is healthy; running processes are left alone.

    A process waits for what it needs of `installing`. `seed` runs once the databases and their roles exist.

    Raises:
        InstallError: an installation failed.
        NotHealthy: a process did not become healthy in time.
        StepFailed, HeadraceError: a step failed after all retries.
    """
    take("write the configuration", lambda: configuration.write(s))
    take("create PostgreSQL's cluster", lambda: postgres.make_cluster(s))
    supervisor = Supervisor(s)
    if supervisor.is_up():
        installing.wait()  # it restarts a process whose jars have changed at once
    take("start the supervisor", supervisor.ensure_up, log=s.logs / "supervisord.log")
    starting = _Start(s, report, supervisor, installing, seed)
    parts = (starting.database, starting.example, starting.registry, starting.kafka, starting.store, starting.engine)
    side_by_side(parts)
    starting.begin(STANDBY)
    starting.bring("registry", "lineage", "connect", *AIRFLOW)
    starting.begin(WATCHDOG)


@dataclass(frozen=True, slots=True)
class _Start:
    """Parts of a start that run concurrently."""

    s: Settings
    report: Report
    supervisor: Supervisor
    installing: Installing
    seed: Callable[[], None]
    databases_exist: Event = field(default_factory=Event)

    def begin(self, *names: str) -> None:
        """Start processes without waiting for their health."""
        for name in names:
            take(f"start {name}", partial(self.supervisor.start, name), log=self.s.logs / "supervisord.log")

    def bring(self, *names: str) -> None:
        """Start processes one after the other, each after the one before it is healthy."""
        for name in names:
            self.begin(name)
            self.report(f"{name} up after {health.wait(self.s, name):.1f} s")

    def database(self) -> None:
        """Start PostgreSQL, create its databases, then start the processes that need nothing else."""
        s, log = self.s, self.s.logs / "postgres.log"
        self.bring("postgres")
        take("create the databases and their roles", lambda: databases.make_roles(s), log=log)
        take("create the platform's tables", lambda: migrate_platform(s), log=log)
        self.databases_exist.set()
        self.begin("lineage")
        take("migrate Airflow's database", lambda: airflow.migrate(s), log=log, patience=FEW)
        self.installing.bytecode.result()
        self.begin(*AIRFLOW)

    def example(self) -> None:
        """Load the example data."""
        self.databases_exist.wait()
        self.seed()

    def registry(self) -> None:
        """Start the schema registry."""
        self.installing.jars.result()
        self.databases_exist.wait()
        self.begin("registry")

    def kafka(self) -> None:
        """Start Kafka, create its users, then start Kafka Connect."""
        s = self.s
        self.installing.broker.result()
        take("format Kafka's log folder", lambda: kafka.format_folder(s))
        self.bring("kafka")
        take("create Kafka's users", lambda: kafka.make_users(s), log=s.logs / "kafka.log")
        self.installing.jars.result()
        self.begin("connect")

    def store(self) -> None:
        """Start the object store."""
        s, store = self.s, self.s["HEADRACE_OBJECT_STORE"]
        if store == "seaweedfs":
            take("create the certificate of SeaweedFS's components", lambda: seaweedfs.make_certificate(s))
        self.bring(store)
        if store == "minio":
            take("create the buckets", lambda: minio.make_buckets(s), log=s.logs / "minio.log")

    def engine(self) -> None:
        """Start ClickHouse."""
        self.installing.clickhouse.result()
        self.bring("clickhouse")


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
