"""The main job of `./headrace up`: load the shop's year, have Airflow apply the contracts, stream until it is served."""

from __future__ import annotations

import time
from collections.abc import Callable

from headrace.services.status.table import Hops
from include.shop.history import LoadProgress, load_history
from include.shop.schema import apply_schema
from include.stack import databases
from include.stack.airflow_api import AirflowApi, AirflowRefused
from include.stack.commands.status import hop_table
from include.stack.connections import connections
from include.stack.pools import POOLS
from include.stack.services.streams import plans
from include.stack.settings import Settings
from include.stack.steps import take

Report = Callable[[str], None]
WATCHES = ("watch_connectors", "watch_freshness", "send_alerts", "collect_letters", "land_files", "prove_raw")
LOGINS = ("kafka_default", "schema_registry_default")
"""Connections whose servers once asked nobody who comes."""
SERVED_WITHIN_S = 900.0


class NotServed(Exception):
    """The data did not reach every hop in time; the message says where it stands."""


def main_job(s: Settings, report: Report) -> tuple[Hops, ...]:
    """From an empty or half-done platform to served data; goes on from where things stand."""
    database, airflow = s.logs / "postgres.log", s.logs / "airflow-api.log"
    take("load the shop's year", lambda: load_shop(s, report), log=database)
    api = AirflowApi(s)
    take("make Airflow's connections", lambda: introduce(s, api, report), log=airflow)
    held_back: AirflowRefused | None = None
    try:
        take("have the contracts applied", lambda: apply_contracts(api, report), log=airflow)
    except AirflowRefused as failure:  # of what was applied all runs; the command ends with the rest
        held_back = failure
    for dag in standing_dags(s):
        take(f"switch {dag} on", lambda dag=dag: switch_on(api, dag), log=airflow)  # type: ignore[misc]
    report("streams and watches are on")
    if held_back:
        raise held_back
    return wait_until_served(s, report)


def load_shop(s: Settings, report: Report) -> None:
    """The OLTP schema and the year of history."""
    apply_schema(databases.superuser_dsn(s, "oltp"), cdc_role="cdc", shop_role="shop")
    said: set[str] = set()

    def progress(step: LoadProgress) -> None:
        if step.committed and step.dataset not in said:
            said.add(step.dataset)
            report(f"shop: {step.dataset} {step.rows:,} rows")

    load_history(databases.role_dsn(s, "shop"), s["HEADRACE_SAMPLE"], progress)


def introduce(s: Settings, api: AirflowApi, report: Report) -> None:
    """Give Airflow its connections and pools; those that are there stay as they are."""
    ours = connections(s)
    added = [c["connection_id"] for c in ours if api.put_connection(c)]
    if added:
        report(f"Airflow connections: {', '.join(added)}")
    completed = [c["connection_id"] for c in ours if c["connection_id"] in LOGINS and api.complete_connection(c)]
    if completed:
        report(f"Airflow connections that were given a login: {', '.join(completed)}")
    for pool in POOLS:
        api.put_pool(pool)
    for dag in ("apply_contracts", *WATCHES):
        api.wait_for_dag(dag, 120)


def apply_contracts(api: AirflowApi, report: Report) -> None:
    """One run of the DAG that makes every system what the contracts say."""
    api.pause("apply_contracts", paused=False)
    run = api.trigger("apply_contracts")
    api.wait_for_run("apply_contracts", run, 300, report)


def switch_on(api: AirflowApi, dag: str) -> None:
    """Unpause a DAG as soon as it was read."""
    api.wait_for_dag(dag, 120)
    api.pause(dag, paused=False)


def standing_dags(s: Settings) -> tuple[str, ...]:
    """DAGs that are on all the time; those of streams are there once their datasets were applied."""
    return (*WATCHES, *(f"stream_{group}" for group in plans(s)))


def wait_until_served(s: Settings, report: Report) -> tuple[Hops, ...]:
    """Wait until every hop of every dataset holds the same rows; reports on the way.

    Raises:
        NotServed: it took longer than SERVED_WITHIN_S.
    """
    deadline = time.monotonic() + SERVED_WITHIN_S
    while True:
        table = take("count the rows", lambda: hop_table(s))
        if table and all(row.agree for row in table):
            return table
        report(_progress(table))
        if time.monotonic() > deadline:
            open_rows = [row.dataset for row in table if not row.agree]
            raise NotServed(
                f"still on the way after {SERVED_WITHIN_S:.0f} s: {', '.join(open_rows)}; see ./headrace status"
            )
        time.sleep(2)


def _progress(table: tuple[Hops, ...]) -> str:
    totals = {hop: sum(row.hops()[hop].rows or 0 for row in table) for hop in ("source", "kafka", "raw", "warehouse")}
    return "  ".join(f"{hop} {rows:,}" for hop, rows in totals.items())
