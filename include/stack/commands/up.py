"""Main job of `./headrace up`: apply the contracts and wait until all data is served. Also loads the example data."""

from __future__ import annotations

import time
from collections.abc import Callable

from headrace.contracts.names import stream_dag
from headrace.errors import ContractErrors
from headrace.planning.streams import StreamPlan, stream_plans
from headrace.services.status.measure import SERVING
from headrace.services.status.table import Hops
from headrace.systems.spark.host import stream_host
from headrace.systems.spark.store import StreamStore
from include.shop.history import LoadProgress, load_history
from include.shop.schema import apply_schema
from include.stack import databases
from include.stack.airflow_api import AirflowApi, AirflowRefused
from include.stack.commands.batch import switch_on_batch
from include.stack.commands.status import hop_table
from include.stack.connections import connections
from include.stack.contracts import contracts
from include.stack.endpoints import endpoint, systems
from include.stack.pools import POOLS
from include.stack.services.streams import plans
from include.stack.settings import Settings
from include.stack.steps import take

Report = Callable[[str], None]
WATCHES = ("watch_connectors", "watch_freshness", "send_alerts", "collect_dead_letters", "land_files", "prove_raw")
LOGINS = ("kafka_default", "schema_registry_default")
"""Connections whose servers did not require a login in earlier versions."""
APPLY = "apply_contracts"
APPLIED_WITHIN_S = 300.0
SERVED_WITHIN_S = 1800.0
POLL_S = 5.0
COUNT_S = 30.0
"""Seconds between two counts of all rows while changes are served. A count reads every new record of every topic."""


class NotServed(Exception):
    """The data did not reach every hop in time; the message names the late datasets."""


def main_job(s: Settings, report: Report, *, streams_only: bool = False) -> tuple[Hops, ...]:
    """Apply and stream until all data is served; continue from the current state. Return the hop table.

    Then switch on refinement, marts, checks and maintenance, unless `streams_only`: the fast lane has the machine first.

    Raises NotServed, StepFailed, and AirflowRefused when contracts could not be applied.
    """
    airflow = s.logs / "airflow-api.log"
    take("launch the streaming drivers", lambda: launch_streams(s, report), log=s.logs / "supervisord.log")
    api = AirflowApi(s)
    take("create Airflow's connections", lambda: introduce(s, api, report), log=airflow)
    run = take("apply the contracts", lambda: begin_to_apply(api), log=airflow)
    held_back: AirflowRefused | None = None
    try:
        api.wait_for_run(APPLY, run, APPLIED_WITHIN_S, report, until="apply")
    except AirflowRefused as failure:  # start the DAGs of what was applied, then raise
        held_back = failure
    for dag in standing_dags(s):
        take(f"unpause {dag}", lambda dag=dag: switch_on(api, dag), log=airflow)  # type: ignore[misc]
    report("stream and watch DAGs are unpaused")
    if held_back:
        raise held_back
    api.wait_for_run(APPLY, run, APPLIED_WITHIN_S, report)
    table = wait_until_served(s, report)
    if not streams_only:
        switch_on_batch(s, api, report)
    return table


def load_shop(s: Settings, report: Report) -> None:
    """Apply the OLTP schema and load the year of history. Raises StepFailed."""
    reported: set[str] = set()

    def progress(step: LoadProgress) -> None:
        if step.committed and step.dataset not in reported:
            reported.add(step.dataset)
            report(f"shop: {step.dataset} {step.rows:,} rows")

    def load() -> None:
        apply_schema(databases.superuser_dsn(s, "oltp"), cdc_role="cdc", shop_role="shop")
        load_history(databases.role_dsn(s, "shop"), s["HEADRACE_SAMPLE"], progress)

    take("load the example data", load, log=s.logs / "postgres.log")


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
    for dag in (APPLY, *WATCHES):
        api.wait_for_dag(dag, 120)


def begin_to_apply(api: AirflowApi) -> str:
    """Trigger `apply_contracts` and return the run's id."""
    api.pause(APPLY, paused=False)
    return api.trigger(APPLY)


def launch_streams(s: Settings, report: Report) -> None:
    """Launch the drivers that are not running. Each waits for its plan, and its DAG adopts it.

    A driver takes a minute to start beside the first snapshot, which fills both cores, and seconds before it.
    """
    host, store = stream_host(endpoint(s, "spark_default")), StreamStore(systems(s).platform)
    for group, plan in {**_wanted(s), **plans(s)}.items():
        if not host.driver(group).alive:
            store.register(group, plan.version)
            host.launch(group)
            report(f"streaming driver of {group} launched")


def _wanted(s: Settings) -> dict[str, StreamPlan]:
    """Return stream group → plan by the contracts in the folder; empty if they have errors, which the apply reports."""
    try:
        return stream_plans(contracts(s).values())
    except ContractErrors:
        return {}


def switch_on(api: AirflowApi, dag: str) -> None:
    """Unpause a DAG after it is parsed."""
    api.wait_for_dag(dag, 120)
    api.pause(dag, paused=False)


def standing_dags(s: Settings) -> tuple[str, ...]:
    """Return the DAGs that must always be unpaused; stream DAGs exist once their datasets are applied."""
    return (*map(stream_dag, plans(s)), *WATCHES)


def wait_until_served(s: Settings, report: Report) -> tuple[Hops, ...]:
    """Wait until every hop of every dataset holds the same rows, and report progress.

    Raises:
        NotServed: not reached within SERVED_WITHIN_S.
    """
    began, counted_at, before = time.monotonic(), float("-inf"), -1
    store, groups = StreamStore(systems(s).platform), tuple(plans(s))
    while True:
        beats = take("read the heartbeats", lambda: [p for g in groups for p in store.pulses(g) if p.query == SERVING])
        served, now = sum(beat.rows_total for beat in beats), time.monotonic()
        if served != before and now - counted_at < COUNT_S:
            report(f"served {served:,} changes; {sum(beat.lag for beat in beats):,} more are in Kafka")
        else:
            table, counted_at = take("count the rows", lambda: hop_table(s)), now
            if table and all(row.agree for row in table):
                return table
            report(_progress(table))
        before = served
        if now - began > SERVED_WITHIN_S:
            raise NotServed(f"not fully served after {SERVED_WITHIN_S:.0f} s: {_open(table)}; see ./headrace status")
        time.sleep(POLL_S)


def _open(table: tuple[Hops, ...]) -> str:
    return ", ".join(row.dataset for row in table if not row.agree)


def _progress(table: tuple[Hops, ...]) -> str:
    totals = {hop: sum(row.hops()[hop].rows or 0 for row in table) for hop in ("source", "kafka", "raw", "warehouse")}
    return "  ".join(f"{hop} {rows:,}" for hop, rows in totals.items())
