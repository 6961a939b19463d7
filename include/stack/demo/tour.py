"""Step: the addresses of Airflow, ClickHouse and the lineage."""

from __future__ import annotations

import httpx

from include.stack.demo import orders
from include.stack.demo.stage import Stage, Unmet
from include.stack.demo.step import Seen, Step
from include.stack.demo.typed import dag_page, play_page
from include.stack.endpoints import endpoint
from include.stack.settings import Settings


def _commands(s: Settings) -> tuple[str, ...]:
    graph = f"{_lineage(s)}/api/v1/lineage/graph?dataset={_dataset(s)}"
    return (f'curl -s -H "Authorization: Bearer $HEADRACE_LINEAGE_KEY" "{graph}"',)


def _act(stage: Stage) -> Seen:
    s = stage.s
    edges = _edges(s)
    for page in (dag_page(s, orders.REFINE), play_page(s)):
        if (status := httpx.get(page, timeout=30, follow_redirects=True).status_code) != 200:
            raise Unmet(f"{page} to answer with 200", status, "see ./headrace status")
    password = f"in {s.env_file.name}"
    return Seen(
        (
            (
                "Airflow, the DAG of this dataset",
                f"{dag_page(s, orders.REFINE)}  user {s['HEADRACE_AIRFLOW_USER']}, HEADRACE_PASSWORD_AIRFLOW {password}",
            ),
            ("ClickHouse", f"{play_page(s)}  user analyst, HEADRACE_PASSWORD_ANALYST {password}"),
            ("Lineage", f"{_lineage(s)}  HEADRACE_LINEAGE_KEY {password}"),
            ("flows from the source table in the lineage", f"{edges}"),
        ),
        ("./headrace lineage replay sends the lineage to a Marquez server, which draws it",),
    )


def _edges(s: Settings) -> int:
    """Return the number of edges of the lineage from the source table. Raises Unmet when there is none."""
    answer = httpx.get(
        f"{_lineage(s)}/api/v1/lineage/graph",
        params={"dataset": _dataset(s)},
        headers={"Authorization": f"Bearer {s['HEADRACE_LINEAGE_KEY']}"},
        timeout=30,
    )
    edges = len(answer.json().get("edges", ())) if answer.status_code == 200 else 0
    if not edges:
        raise Unmet(
            "lineage from the source table", f"{answer.status_code}: {answer.text[:200]}", "see ./headrace logs lineage"
        )
    return edges


def _dataset(s: Settings) -> str:
    return f"postgres://{s.bind}:{s.port('POSTGRES')}:oltp.{orders.TABLE}"


def _lineage(s: Settings) -> str:
    return endpoint(s, "lineage_default").url


TOUR = Step("Open", "The pages of Airflow and ClickHouse, and the lineage of the dataset.", _commands, _act)
