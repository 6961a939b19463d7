"""Airflow's four services, their environment, and the migration of its database."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import httpx

from headrace.systems.retry import Transient
from include.stack.environment import shared
from include.stack.services.probes import client, http_answers
from include.stack.services.process import BATCH, Process
from include.stack.services.service import Service
from include.stack.settings import Settings


def services(s: Settings) -> tuple[Service, ...]:
    """Return the API server, the scheduler, the DAG processor and the triggerer."""
    # The log servers listen on all addresses. On one machine the API server reads the log files itself.
    api = ("api-server", "--host", s.bind, "--port", str(s.port("AIRFLOW")), "--workers", "1")
    return (
        Service(_process(s, "api", api), lambda: http_answers(_health(s)), needs=("postgres",)),
        # The scheduler's workers inherit its niceness. It is not that of batch work, since workers also launch streams.
        _part(s, "scheduler", "--skip-serve-logs", nice=BATCH // 2),
        _part(s, "dag-processor", nice=BATCH),
        _part(s, "triggerer", "--skip-serve-logs"),
    )


def environment(s: Settings) -> dict[str, str]:
    """Return the environment of every Airflow process, and of commands that use Airflow's database."""
    home = s.data / "airflow"
    password, port = s["HEADRACE_PASSWORD_AIRFLOW_DB"], s.port("POSTGRES")
    url = f"http://{s.bind}:{s.port('AIRFLOW')}"
    core = {
        "CORE__DAGS_FOLDER": str(s.root / "dags"),
        "CORE__PLUGINS_FOLDER": str(s.root / "plugins"),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": "6",
        "CORE__FERNET_KEY": s["HEADRACE_AIRFLOW_FERNET_KEY"],
        "CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{s['HEADRACE_AIRFLOW_USER']}:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(s.run / "airflow-passwords.json"),
        "DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://airflow:{password}@{s.bind}:{port}/airflow",
        "LOGGING__BASE_LOG_FOLDER": str(s.logs / "airflow"),
        "API__BASE_URL": url,
        "API__SECRET_KEY": s["HEADRACE_AIRFLOW_SESSION_SECRET"],
        "API_AUTH__JWT_SECRET": s["HEADRACE_AIRFLOW_JWT_SECRET"],
        "DAG_PROCESSOR__PARSING_PROCESSES": "1",
        # A changed file is still parsed at the next refresh; `apply_contracts` touches the files that depend on contracts.
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "120",
        "DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        "SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "TRIGGERER__CAPACITY": "200",
        "USAGE_DATA_COLLECTION__ENABLED": "False",
        "OPENLINEAGE__NAMESPACE": "headrace",
        # OpenLineage events of a task need connections: a forked process that is killed meanwhile leaves the task hanging.
        "OPENLINEAGE__EXECUTE_IN_THREAD": "True",
    }
    lineage = {
        "OPENLINEAGE__TRANSPORT__TYPE": "http",
        "OPENLINEAGE__TRANSPORT__URL": f"http://{s.bind}:{s.port('LINEAGE')}",
        "OPENLINEAGE__TRANSPORT__AUTH": ('{"type": "api_key", "apiKey": "' + s["HEADRACE_LINEAGE_KEY"] + '"}'),
    }
    ours = {
        **shared(s),
        "AIRFLOW_HOME": str(home),
        "HEADRACE_ALERTS_URL": s["HEADRACE_ALERTS_URL"],
        "HEADRACE_QUALITY_PAGES": str(s.home / "quality"),
    }
    return {f"AIRFLOW__{name}": value for name, value in core.items()} | lineage | ours


def migrate(s: Settings) -> None:
    """Migrate Airflow's metadata database to the installed version; skipped when an earlier start did it."""
    stamp, wanted = s.data / "airflow" / "migrated", version("apache-airflow-core")
    if stamp.exists() and stamp.read_text() == wanted:
        return
    stamp.parent.mkdir(parents=True, exist_ok=True)
    log = s.logs / "airflow-migrate.log"
    with log.open("a") as out:
        command = [str(Path(sys.executable).parent / "airflow"), "db", "migrate"]
        done = subprocess.run(
            command, env=os.environ | environment(s), stdout=out, stderr=out, timeout=300, check=False
        )
    if done.returncode:
        raise Transient(f"`airflow db migrate` exited with code {done.returncode}; its output is in {log}")
    stamp.write_text(wanted)


def _part(s: Settings, name: str, *options: str, nice: int = 0) -> Service:
    """Return a component of Airflow whose health the API server reports."""
    process = _process(s, name, (name, *options), nice)
    return Service(process, lambda: _is_healthy(s, name.replace("-", "_")), needs=("postgres", "airflow-api"))


def _process(s: Settings, name: str, arguments: tuple[str, ...], nice: int = 0) -> Process:
    command = (str(Path(sys.executable).parent / "airflow"), *arguments)
    return Process(f"airflow-{name}", command, environment(s), stop_seconds=30, nice=nice)


def _health(s: Settings) -> str:
    return f"http://{s.bind}:{s.port('AIRFLOW')}/api/v2/monitor/health"


def _is_healthy(s: Settings, part: str) -> bool:
    try:
        health = client().get(_health(s)).json()
    except (httpx.HTTPError, ValueError):
        return False
    return bool(health.get(part, {}).get("status") == "healthy")
