"""Commands that a person types for a step. Passwords appear only as the names of their variables."""

from __future__ import annotations

from pathlib import Path

from include.stack.settings import Settings


def psql(s: Settings, statement: str, user: str = "shop") -> str:
    """Return the command that runs SQL on the source."""
    password = "POSTGRES" if user == "headrace" else user.upper()
    address = f"-h {s.bind} -p {s.port('POSTGRES')} -U {user} oltp"
    return f'PGPASSWORD=$HEADRACE_PASSWORD_{password} psql {address} -c "{statement}"'


def clickhouse(s: Settings, query: str) -> str:
    """Return the command that runs a query on ClickHouse."""
    address = f"http://{s.bind}:{s.port('CLICKHOUSE')}"
    return f"curl -s -u analyst:$HEADRACE_PASSWORD_ANALYST {address} --data-binary '{query}'"


def trigger(s: Settings, dag: str) -> str:
    """Return the instruction that triggers a DAG."""
    return f"Airflow: trigger {dag} at {dag_page(s, dag)}"


def dag_page(s: Settings, dag: str) -> str:
    """Return the address of a DAG's page."""
    return f"{airflow_page(s)}/dags/{dag}"


def airflow_page(s: Settings) -> str:
    """Return the address of Airflow."""
    return f"http://{s.bind}:{s.port('AIRFLOW')}"


def play_page(s: Settings) -> str:
    """Return the address of ClickHouse's page for queries."""
    return f"http://{s.bind}:{s.port('CLICKHOUSE')}/play"


def place(s: Settings, path: Path) -> str:
    """Return a path relative to the project's folder, or the path itself outside of it."""
    return str(path.relative_to(s.root) if path.is_relative_to(s.root) else path)
