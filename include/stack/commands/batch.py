"""Switch on what fills in the background after the fast lane: files, refinement, marts, checks and maintenance."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Protocol

from headrace.contracts.contract import Contract
from headrace.contracts.names import lake_table, mart_dag, raw_table, refine_dag
from headrace.planning.marts import marts
from headrace.services.refinement.ledger import Ledger
from headrace.systems.bundle import Systems
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
POLL_S: Final = 5.0


class NotFilled(Exception):
    """The background work failed or did not end in time; the message names the DAGs."""


class Runs(Protocol):
    """The part of Airflow's API that the wait needs."""

    def runs(self, dag: str, **query: str) -> list[dict[str, str]]: ...


def switch_on_batch(s: Settings, api: AirflowApi, report: Report) -> None:
    """Drop the shop's files and unpause each batch DAG that never ran. A DAG that a person has paused stays paused."""
    take("drop the shop's files", lambda: _drop_files(s, report), log=s.logs / "seaweedfs.log")
    contracts = applied(s).values()
    refinements, builds = tuple(map(refine_dag, refined(contracts))), tuple(map(mart_dag, marts(contracts)))
    for dag in (*builds, *refinements, *ALSO):
        take(f"unpause {dag}", lambda dag=dag: _unpause_new(api, dag), log=s.logs / "airflow-api.log")  # type: ignore[misc]
    for dag in (*builds[:1], *refinements[:1]):  # Airflow watches the assets of an unpaused DAG from its next parse
        take(f"parse the file of {dag}", lambda dag=dag: api.parse_again(dag), log=s.logs / "airflow-api.log")  # type: ignore[misc]
    report("refinement, marts, checks and maintenance are unpaused")


def wait_for_batch(s: Settings, report: Report) -> None:
    """Wait until every dataset with rows in raw is refined and every mart is built. Raises NotFilled."""
    here, contracts = systems(s), tuple(applied(s).values())
    wait_until_filled(AirflowApi(s), lambda: unfilled(here, contracts), report)


def refined(contracts: Iterable[Contract]) -> tuple[Contract, ...]:
    """Return the datasets that are refined."""
    return tuple(c for c in contracts if c.refined)


def unfilled(here: Systems, contracts: Iterable[Contract]) -> Iterator[str]:
    """Yield the DAGs of which the first result is missing: datasets with rows in raw, and marts."""
    datasets, builds, ledger = refined(contracts), marts(contracts), Ledger(here.platform)
    done = {dataset for dataset, last in ledger.refined(c.id for c in datasets).items() if last.records}
    built = ledger.built(c.id for c in builds)
    yield from (refine_dag(c) for c in datasets if c.id not in done and here.lake.records(raw_table(c)))
    yield from (mart_dag(c) for c in builds if c.id not in built)


def wait_until_filled(
    api: Runs, missing: Callable[[], Iterable[str]], report: Report, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Wait until nothing is missing; report what is.

    Raises:
        NotFilled: a DAG with a missing result has failed, or it took longer than FILLED_WITHIN_S.
    """
    deadline = time.monotonic() + FILLED_WITHIN_S
    while dags := take("look for missing results", lambda: tuple(missing())):
        if failed := [dag for dag in dags if _failed(api, dag)]:
            raise NotFilled(f"failed: {', '.join(failed)}; read their logs in Airflow and clear their failed tasks")
        if time.monotonic() > deadline:
            raise NotFilled(f"not complete after {FILLED_WITHIN_S:.0f} s: {', '.join(dags)}; see ./headrace status")
        report(f"in the background: {', '.join(dags)}")
        sleep(POLL_S)


def _failed(api: Runs, dag: str) -> bool:
    runs: Sequence[dict[str, str]] = api.runs(dag, order_by="-run_after", limit="1")
    return bool(runs) and runs[0]["state"] == "failed"


def _unpause_new(api: AirflowApi, dag: str) -> None:
    api.wait_for_dag(dag, 120)
    if not api.runs(dag, limit=1):
        api.pause(dag, paused=False)


def _drop_files(s: Settings, report: Report) -> None:
    """Drop the files of the example shop, unless their tables have rows or they are not applied."""
    contracts, lake = applied(s), systems(s).lake
    if any(d not in contracts or lake.records(lake_table(contracts[d], "raw")) for d in FILES):
        return
    url = f"http://{s['HEADRACE_S3_ACCESS_KEY']}:{s['HEADRACE_S3_SECRET_KEY']}@{s.bind}:{s.port('S3')}/{LANDING}"
    sample = Sample.of(s["HEADRACE_SAMPLE"])
    dropped = (*drop_coupons(url, sample), *drop_promotions(url, WEEKS, sample))
    report(f"shop: dropped {len(dropped)} files with {sum(each.rows for each in dropped):,} rows")
