"""Airflow's four processes, its environment and its first start."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import httpx

from headrace.systems.retry import Transient
from include.stack.environment import shared
from include.stack.services.asking import client, http_answers
from include.stack.services.process import Process
from include.stack.services.service import Service
from include.stack.settings import Settings


def services(s: Settings) -> tuple[Service, ...]:
    """Return the API server, the scheduler, the DAG processor and the triggerer."""
    # The log servers would listen on every address, and the API server reads the files itself on one machine.
    api = ("api-server", "--host", s.bind, "--port", str(s.port("AIRFLOW")), "--workers", "1")
    return (
        Service(_process(s, "api", api), lambda: http_answers(_health(s)), needs=("postgres",)),
        _part(s, "scheduler", "--skip-serve-logs"),
        _part(s, "dag-processor"),
        _part(s, "triggerer", "--skip-serve-logs"),
    )


def environment(s: Settings) -> dict[str, str]:
    """What every Airflow process and every command of ours that talks to Airflow's database needs."""
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
        # A file that changed is read at the next refresh all the same; `apply_contracts` touches those that follow contracts.
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
        "DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        "SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "TRIGGERER__CAPACITY": "200",
        "USAGE_DATA_COLLECTION__ENABLED": "False",
        "OPENLINEAGE__NAMESPACE": "headrace",
        # What a task tells asks for connections: a forked process that is given up over it leaves the task without an answer.
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
    """Bring Airflow's metadata database to this version; nothing to do when a start before has done it."""
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
        raise Transient(f"`airflow db migrate` ended with {done.returncode}; its output is in {log}")
    stamp.write_text(wanted)


def _part(s: Settings, name: str, *options: str) -> Service:
    """Return a part of Airflow whose health the API server tells."""
    process = _process(s, name, (name, *options))
    return Service(process, lambda: _is_healthy(s, name.replace("-", "_")), needs=("postgres", "airflow-api"))


def _process(s: Settings, name: str, arguments: tuple[str, ...]) -> Process:
    command = (str(Path(sys.executable).parent / "airflow"), *arguments)
    return Process(f"airflow-{name}", command, environment(s), stop_seconds=30)


def _health(s: Settings) -> str:
    return f"http://{s.bind}:{s.port('AIRFLOW')}/api/v2/monitor/health"


def _is_healthy(s: Settings, part: str) -> bool:
    try:
        health = client().get(_health(s)).json()
    except (httpx.HTTPError, ValueError):
        return False
    return bool(health.get(part, {}).get("status") == "healthy")
