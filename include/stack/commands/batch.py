"""Switch on what fills in the background after the fast lane: files, refinement, marts, checks and maintenance."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from headrace.contracts.contract import Contract
from headrace.contracts.names import lake_table
from include.shop.drop import drop_coupons, drop_promotions
from include.shop.source import Sample
from include.stack.airflow_api import AirflowApi
from include.stack.connections import LANDING
from include.stack.contracts import applied
from include.stack.endpoints import systems
from include.stack.settings import Settings
from include.stack.steps import take

Report = Callable[[str], None]
ALSO: Final = ("check_served", "lake_maintenance")
FILES: Final = ("retail.promotions", "retail.coupons")
"""Datasets of the example shop that come as files."""
WEEKS: Final = (1,)
"""Weeks of promotions that are dropped; `./headrace shop drop` drops the others."""
FILLED_WITHIN_S: Final = 3600.0
LOOK_S: Final = 5.0


class NotFilled(Exception):
    """The background work failed or did not end in time; the message names the DAGs."""


class Runs(Protocol):
    """The part of Airflow's API that the wait needs."""

    def runs(self, dag: str, **query: str) -> list[dict[str, str]]: ...


def switch_on_batch(s: Settings, api: AirflowApi, switch_on: Callable[[AirflowApi, str], None], report: Report) -> None:
    """Drop the shop's files and unpause each batch DAG that never ran. A DAG that a person has paused stays paused."""
    take("drop the shop's files", lambda: _drop_files(s, report), log=s.logs / "seaweedfs.log")
    contracts = applied(s).values()
    for dag in (*refinements(contracts), *marts(contracts), *ALSO):
        take(f"unpause {dag}", lambda dag=dag: _unpause_new(api, dag, switch_on), log=s.logs / "airflow-api.log")  # type: ignore[misc]
    for file in ("refine.py", "marts.py"):
        (s.root / "dags" / file).touch()  # Airflow watches the assets of an unpaused DAG from its next parse


def refinements(contracts: Iterable[Contract]) -> tuple[str, ...]:
    """Return the DAGs that refine datasets."""
    return tuple(f"refine_{c.domain}_{c.name}" for c in contracts if {"raw", "cleaned"} <= set(c.zones))


def marts(contracts: Iterable[Contract]) -> tuple[str, ...]:
    """Return the DAGs that build marts."""
    return tuple(f"mart_{c.name}" for c in contracts if c.source.kind == "mart")


def wait_until_filled(
    api: Runs, dags: Iterable[str], report: Report, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Wait until each DAG has a successful run; report which are missing.

    Raises:
        NotFilled: a DAG failed before it ever succeeded, or it took longer than FILLED_WITHIN_S.
    """
    missing, deadline = list(dags), time.monotonic() + FILLED_WITHIN_S
    while True:
        missing = [dag for dag in missing if not api.runs(dag, state="success")]
        if not missing:
            return
        if failed := [dag for dag in missing if api.runs(dag, state="failed")]:
            raise NotFilled(f"failed: {', '.join(failed)}; see their logs in Airflow, clear their failed task")
        if time.monotonic() > deadline:
            raise NotFilled(f"not complete after {FILLED_WITHIN_S:.0f} s: {', '.join(missing)}; see ./headrace status")
        report(f"in the background: {', '.join(missing)}")
        sleep(LOOK_S)


def _unpause_new(api: AirflowApi, dag: str, switch_on: Callable[[AirflowApi, str], None]) -> None:
    if not api.runs(dag, limit=1):
        switch_on(api, dag)


def _drop_files(s: Settings, report: Report) -> None:
    """Drop the files of the example shop, unless their tables have rows or they are not applied."""
    contracts, lake = applied(s), systems(s).lake
    if any(d not in contracts or lake.records(lake_table(contracts[d], "raw")) for d in FILES):
        return
    url = f"http://{s['HEADRACE_S3_ACCESS_KEY']}:{s['HEADRACE_S3_SECRET_KEY']}@{s.bind}:{s.port('S3')}/{LANDING}"
    sample = Sample.of(s["HEADRACE_SAMPLE"])
    dropped = (*drop_coupons(url, sample), *drop_promotions(url, WEEKS, sample))
    report(f"shop: dropped {len(dropped)} files with {sum(each.rows for each in dropped):,} rows")
