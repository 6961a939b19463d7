"""The exact lane under faults, while the shop writes: a killed Spark job, stores that die, all at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pytest

from include.stack.sockets import STANDBY
from tests.conftest import Stack
from tests.support.trading_window import TradingWindow
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

REFINE, MART = "refine_retail_transactions", "mart_store_daily"
PATIENCE_S = 500.0
"""For a batch job to begin to write, at low priority on two busy cores; twice of it is below the test's time-out."""
ZONES = ("raw", "cleaned", "history")
TILL_NOTE = {"name": "till_note", "field-id": 90, "type": ["null", "string"], "default": None, "doc": "What was noted."}


@pytest.fixture(scope="module")
def window(window: TradingWindow, stack: Stack) -> Iterator[TradingWindow]:
    """Refinement is on; when the window settles, what it made must agree with the source."""
    stack.airflow.pause(REFINE, False)  # a mart would be built after each refinement, and is wanted by one test only
    window.afterwards(lambda: agrees_with_the_source(stack))
    yield window
    window.settle()
    for dag in (REFINE, MART):
        stack.airflow.pause(dag, True)


def caught_writing(stack: Stack, catalog: Catalog, before: set[str]) -> str:
    """The run of a refinement that has begun to write and has not published yet.

    It may be another than the one asked for: runs come by themselves too, one after the other, and what the first
    has brought the next need not write.
    """
    stack.airflow.trigger(REFINE, {"everything": True})
    wait_until(lambda: bool(attempts(catalog) - before), PATIENCE_S, "nothing is written")
    (run,) = stack.airflow.runs(REFINE, state="running")
    return str(run["dag_run_id"])


def attempts(catalog: Catalog) -> set[str]:
    """Branches of refinements that are not published: those of before have died."""
    written_first = catalog.load_table("history.retail_transactions")
    return {name for name in written_first.refs() if name.startswith("attempt_")}


def kill_drivers(stack: Stack) -> None:
    """kill -9 of the Spark driver that stands by, and of every driver of a batch job's own, each with its JVM."""
    standing = stack.pid(STANDBY)
    jobs = str(stack.settings.root / "include" / "spark" / "batch")
    for process in psutil.process_iter(["pid", "cmdline"]):
        if process.info["pid"] == standing or jobs in " ".join(process.info["cmdline"] or ()):
            for one in (process, *process.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    one.kill()


def finish(stack: Stack, dag: str, run: str, seconds: float = 420) -> None:
    stack.airflow.wait_for_run(dag, run, seconds, lambda line: None)


def lines_of(stack: Stack, zone: str = "cleaned") -> int:
    return int(stack.systems.lake.catalog.load_table(f"{zone}.retail_transactions").scan().count())


def source_lines(stack: Stack) -> int:
    (oltp,) = stack.systems.sources.values()
    return int(oltp.row_counts(["retail.transactions"])["retail.transactions"])


@pytest.mark.long
def test_a_refinement_outlives_its_driver_and_then_the_object_store(
    stack: Stack, window: TradingWindow, kill: Callable[[str], int], comes_back: Callable[..., float]
) -> None:
    """The second fault hits the retry of the first: each attempt has begun to write."""
    catalog = stack.systems.lake.catalog
    before = attempts(catalog)
    window.trade(5)
    run = caught_writing(stack, catalog, before)
    before |= attempts(catalog)
    kill_drivers(stack)
    wait_until(lambda: bool(attempts(catalog) - before), PATIENCE_S, "the retry writes nothing")
    comes_back("seaweedfs", kill("seaweedfs"), 60)
    window.trade(5)
    finish(stack, REFINE, run)


@pytest.mark.long
def test_a_backfill_maintenance_and_a_new_field_at_once_give_the_rows_of_one_run(
    stack: Stack, window: TradingWindow, days: tuple[str, str], platform_rows: Callable[..., list[tuple[object, ...]]]
) -> None:
    def backfilled() -> dict[str, str]:
        return {run["dag_run_id"]: run["state"] for run in stack.airflow.runs(REFINE, run_type="backfill")}

    earlier = backfilled()
    stack.airflow.pause("lake_maintenance", False)
    window.trade(5)
    stack.airflow.backfill(REFINE, *days)
    care = stack.airflow.trigger("lake_maintenance", {"tables": [f"{z}.retail_transactions" for z in ZONES]})
    wait_until(lambda: "running" in backfilled().values(), 180, "no day is refined")
    noted = note_tills(stack, days)
    wait_until(
        lambda: (
            len(backfilled()) > len(earlier)
            and all(state == "success" for run, state in backfilled().items() if run not in earlier)
        ),
        600,
        "the backfill has not succeeded",
    )
    finish(stack, "lake_maintenance", care)
    refined = [interval for run in backfilled().keys() - earlier.keys() for interval in intervals(platform_rows, run)]
    assert sorted(start[:10] for start, _ in refined) == list(days)
    stack.airflow.pause("lake_maintenance", True)

    def every_noted_line_is_cleaned() -> None:
        cleaned = stack.systems.lake.catalog.load_table("cleaned.retail_transactions")
        assert cleaned.scan(row_filter="till_note = 'counted'").count() == noted > 0

    window.afterwards(every_noted_line_is_cleaned)


@pytest.mark.long
def test_a_mart_is_served_though_clickhouse_dies_between_the_lakes_commit_and_the_exchange(
    stack: Stack, window: TradingWindow, kill: Callable[[str], int]
) -> None:
    window.settle()  # the mart is compared with a source that no longer changes, refined to its end
    stack.airflow.pause(MART, False)
    run = stack.airflow.trigger(MART)
    wait_until(lambda: stack.airflow.task_states(MART, run).get("build") == "success", 300, "the mart is not built")
    kill("clickhouse")
    finish(stack, MART, run)
    assert stack.systems.warehouse.rows("SELECT sum(lines) FROM marts.store_daily") == [(source_lines(stack),)]
    left = "SELECT name FROM system.tables WHERE database = 'marts' AND startsWith(name, 'store_daily__')"
    assert stack.systems.warehouse.rows(left) == []


def agrees_with_the_source(stack: Stack) -> None:
    """One more run, of everything, leaves cleaned and the current versions of history as the source has them."""
    finish(stack, REFINE, stack.airflow.trigger(REFINE, {"everything": True}))
    assert lines_of(stack) == source_lines(stack)
    history = stack.systems.lake.catalog.load_table("history.retail_transactions")
    assert history.scan(row_filter="_is_current = true").count() == source_lines(stack)


def intervals(platform_rows: Callable[..., list[tuple[Any, ...]]], run: str) -> list[tuple[str, str]]:
    """The intervals of event time that a run has refined, by the ledger."""
    (selection,), *_ = platform_rows("SELECT selection FROM refinements WHERE dag_run = %s", run)
    found: list[tuple[str, str]] = selection["intervals"]
    return found


@pytest.fixture
def days(stack: Stack) -> tuple[str, str]:
    """The first two days of the history."""
    query = "SELECT DISTINCT date(checked_out_at AT TIME ZONE 'UTC')::text FROM retail.transactions ORDER BY 1 LIMIT 2"
    with psycopg.connect(stack.oltp_dsn) as connection:
        (first,), (second,) = connection.execute(query)
    return first, second


def note_tills(stack: Stack, days: tuple[str, str]) -> int:
    """A field comes into the contract and into the source, and lines of these days get a value for it; how many."""
    avsc = stack.settings.contracts / "retail" / "transactions.avsc"
    schema = json.loads(avsc.read_text())
    schema["fields"].append(TILL_NOTE)
    avsc.write_text(json.dumps(schema, indent=2))
    finish(stack, "apply_contracts", stack.airflow.trigger("apply_contracts", {"datasets": ["retail.transactions"]}))
    with psycopg.connect(stack.superuser_dsn("oltp")) as owner:
        owner.execute("ALTER TABLE retail.transactions ADD COLUMN till_note text")
        noted = owner.execute(
            "UPDATE retail.transactions SET till_note = 'counted' WHERE checked_out_at < %s AND product_id %% 5 = 0",
            [days[1]],
        )
        return noted.rowcount
