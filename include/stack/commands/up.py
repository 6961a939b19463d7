"""Main job of `./headrace up`: load the example data, apply the contracts and wait until all data is served."""

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
"""Connections whose servers did not require a login in earlier versions."""
SERVED_WITHIN_S = 900.0


class NotServed(Exception):
    """The data did not reach every hop in time; the message names the late datasets."""


def main_job(s: Settings, report: Report) -> tuple[Hops, ...]:
    """Load, apply and stream until all data is served; continue from the current state. Return the hop table.

    Raises NotServed, StepFailed, and AirflowRefused when contracts could not be applied.
    """
    database, airflow = s.logs / "postgres.log", s.logs / "airflow-api.log"
    take("load the example data", lambda: load_shop(s, report), log=database)
    api = AirflowApi(s)
    take("create Airflow's connections", lambda: introduce(s, api, report), log=airflow)
    held_back: AirflowRefused | None = None
    try:
        take("apply the contracts", lambda: apply_contracts(api, report), log=airflow)
    except AirflowRefused as failure:  # start the DAGs of what was applied, then raise
        held_back = failure
    for dag in standing_dags(s):
        take(f"unpause {dag}", lambda dag=dag: switch_on(api, dag), log=airflow)  # type: ignore[misc]
    report("stream and watch DAGs are unpaused")
    if held_back:
        raise held_back
    return wait_until_served(s, report)


def load_shop(s: Settings, report: Report) -> None:
    """Apply the OLTP schema and load the year of history."""
    apply_schema(databases.superuser_dsn(s, "oltp"), cdc_role="cdc", shop_role="shop")
    said: set[str] = set()

    def progress(step: LoadProgress) -> None:
        if step.committed and step.dataset not in said:
            said.add(step.dataset)
            report(f"shop: {step.dataset} {step.rows:,} rows")

    load_history(databases.role_dsn(s, "shop"), s["HEADRACE_SAMPLE"], progress)


def introduce(s: Settings, api: AirflowApi, report: Report) -> None:
    """Create Airflow's connections and pools, keep existing ones, and wait for the DAGs to be parsed."""
    ours = connections(s)
    added = [c["connection_id"] for c in ours if api.put_connection(c)]
    if added:
        report(f"Airflow connections: {', '.join(added)}")
    completed = [c["connection_id"] for c in ours if c["connection_id"] in LOGINS and api.complete_connection(c)]
    if completed:
        report(f"login added to Airflow connections: {', '.join(completed)}")
    for pool in POOLS:
        api.put_pool(pool)
    for dag in ("apply_contracts", *WATCHES):
        api.wait_for_dag(dag, 120)


def apply_contracts(api: AirflowApi, report: Report) -> None:
    """Run `apply_contracts` once and wait until it succeeds."""
    api.pause("apply_contracts", paused=False)
    run = api.trigger("apply_contracts")
    api.wait_for_run("apply_contracts", run, 300, report)


def switch_on(api: AirflowApi, dag: str) -> None:
    """Unpause a DAG after it is parsed."""
    api.wait_for_dag(dag, 120)
    api.pause(dag, paused=False)


def standing_dags(s: Settings) -> tuple[str, ...]:
    """Return the DAGs that must always be unpaused; stream DAGs exist once their datasets are applied."""
    return (*WATCHES, *(f"stream_{group}" for group in plans(s)))


def wait_until_served(s: Settings, report: Report) -> tuple[Hops, ...]:
    """Wait until every hop of every dataset holds the same rows, and report progress.

    Raises:
        NotServed: not reached within SERVED_WITHIN_S.
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
                f"not fully served after {SERVED_WITHIN_S:.0f} s: {', '.join(open_rows)}; see ./headrace status"
            )
        time.sleep(2)


def _progress(table: tuple[Hops, ...]) -> str:
    totals = {hop: sum(row.hops()[hop].rows or 0 for row in table) for hop in ("source", "kafka", "raw", "warehouse")}
    return "  ".join(f"{hop} {rows:,}" for hop, rows in totals.items())
