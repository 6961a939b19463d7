"""The exact lane as a person uses it from Airflow's pages: three weeks are backfilled while the shop trades, a rule is
broken and mended, and the marts are what polars makes of the source's tables and the dropped files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from pyiceberg.expressions import AlwaysTrue

from headrace.contracts.index import load_index
from headrace.contracts.names import lake_table
from headrace.planning.marts import origins
from headrace.services.refinement.triggers import MartInputsTrigger
from include.shop.drop import drop_coupons, drop_promotions
from include.shop.script import first_basket_id
from include.shop.source import Sample, frame, promotions
from include.spark.batch.refine.tokens import token
from include.stack.airflow_api import AirflowRefused
from tests.conftest import Stack
from tests.integration.marts.test_mart_sql import assert_same
from tests.support.airflow_pages import Pages
from tests.support.applying import apply_folder
from tests.support.marquez import replayed
from tests.support.marts import household_value, promotion_effectiveness

REFINE, TABLE = "refine_retail_transactions", "retail_transactions"
BY_CDC, BY_FILE = ("transactions", "products", "coupon_redemptions"), ("promotions",)
REFINEMENTS = tuple(f"refine_retail_{dataset}" for dataset in (*BY_CDC, *BY_FILE))
BUILT = {
    "household_value": household_value,
    "promotion_effectiveness": promotion_effectiveness,
}
MARTS = tuple(f"mart_{name}" for name in BUILT)

WEEKS = {20: date(2017, 5, 8), 30: date(2017, 7, 17), 40: date(2017, 9, 25)}
LATE = """
    INSERT INTO retail.transactions
        (basket_id, product_id, household_id, store_id, quantity, sales_value, retail_discount, coupon_discount,
         coupon_match_discount, week, checked_out_at)
    SELECT %(first)s + %(week)s * 10000 + basket, product_id, household_id, store_id, quantity, sales_value,
           retail_discount, coupon_discount, coupon_match_discount, %(week)s,
           %(start)s::timestamptz + (basket %% 7) * interval '1 day' + interval '10 hours'
      FROM (SELECT *, dense_rank() OVER (ORDER BY basket_id) AS basket FROM retail.transactions
             WHERE checked_out_at < '2018-01-01' ORDER BY basket_id, product_id LIMIT 500) AS history
    RETURNING 1"""
"""A week's baskets, which come months late."""

TIGHT = ("validValues: {min: 1, max: 53}", "validValues: {min: 1, max: 39}")
"""A row-level rule that the lines of week 40 break: they are quarantined."""
FEW = ("    quality:\n", "    quality:\n      - {type: library, name: few, metric: rowCount, mustBeLessThan: 1, severity: error}\n")  # fmt: skip
"""A rule that the whole table breaks: nothing is published."""


@contextmanager
def switched_on(stack: Stack, *dags: str) -> Iterator[None]:
    """These run, by themselves too; others would only take the machine from them."""
    for dag in dags:
        stack.airflow.pause(dag, False)
    try:
        yield
    finally:
        for dag in dags:
            stack.airflow.pause(dag, True)


@pytest.fixture
def dropped(stack: Stack) -> dict[str, pl.DataFrame]:
    """A week of promotions and the coupons, as marketing drops them."""
    s = stack.settings
    keys, sample = f"{s['HEADRACE_S3_ACCESS_KEY']}:{s['HEADRACE_S3_SECRET_KEY']}", Sample.of(s["HEADRACE_SAMPLE"])
    bucket = f"http://{keys}@{s.bind}:{s.port('S3')}/landing"
    drop_promotions(bucket, [1], sample)
    drop_coupons(bucket, sample)
    return {"promotions": promotions(sample).filter(pl.col("week") == 1), "coupons": frame("coupons", sample)}


@pytest.fixture
def terms(stack: Stack) -> Iterator[Callable[..., None]]:
    """`terms((old, new), …)`: the contract of the transactions, with these parts replaced, is applied."""
    path = Path(stack.settings.contracts) / "retail" / "transactions.odcs.yaml"
    text = path.read_text()

    def write(*changes: tuple[str, str]) -> None:
        changed = text
        for old, new in changes:
            assert old in changed
            changed = changed.replace(old, new)
        path.write_text(changed)
        apply_folder(stack)

    yield write
    write()


Order = Callable[..., str]
"""`order(dag, days=…, everything=…)`: a run is ordered and waited for; its id. Fails as the run does."""


@pytest.fixture
def by_form(stack: Stack, pages: Pages) -> Order:
    """Ordered by the form on Airflow's page."""

    def order(dag: str, **params: Any) -> str:
        return finished(stack, dag, pages.order(dag, **params))

    return order


@pytest.fixture
def by_api(stack: Stack) -> Order:
    """Ordered without a browser."""

    def order(dag: str, **params: Any) -> str:
        return finished(stack, dag, stack.airflow.trigger(dag, params))

    return order


def finished(stack: Stack, dag: str, run: str) -> str:
    stack.airflow.wait_for_run(dag, run, 400, lambda line: None)
    return run


def is_built(stack: Stack, name: str) -> bool:
    """Return whether the mart was built from its inputs as they are now, and no run of it goes on."""
    s, mart = stack.settings, f"marts.{name}"
    paths = {"schemas": str(s.contracts), "sql": str(s.root / "include" / "sql" / "marts")}
    seen = MartInputsTrigger.poll(paths, [mart], stack.systems.lake, stack.systems.platform)[mart]
    return seen.state == seen.done and {run["state"] for run in stack.airflow.runs(f"mart_{name}")} == {"success"}


def book_late(connection: psycopg.Connection) -> int:
    """Lines that are booked for three separate weeks."""
    (number,) = connection.execute("SELECT nextval('shop.runs')").fetchone() or (0,)
    first = first_basket_id(number)
    rows = 0
    for week, start in WEEKS.items():
        rows += len(connection.execute(LATE, {"first": first, "week": week, "start": start}).fetchall())
    return rows


def lines(stack: Stack, weeks: Sequence[int], zone: str = "cleaned", branch: str | None = None) -> int:
    scan = stack.systems.lake.catalog.load_table(f"{zone}.{TABLE}").scan(
        row_filter=f"week IN ({', '.join(map(str, weeks))})"
    )
    return int((scan.use_ref(branch) if branch else scan).count())


def frames(stack: Stack, dropped: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """What the source holds now, with tokens as refinement makes them."""
    key = stack.settings["HEADRACE_TOKEN_KEY"].encode()
    found = dict(dropped)
    for dataset in BY_CDC:
        found[dataset] = _read(stack, dataset)
        if "household_id" in found[dataset].columns:
            households = found[dataset]["household_id"].drop_nulls().unique().to_list()
            tokens = {household: token(key, str(household)) for household in households}
            found[dataset] = found[dataset].with_columns(
                pl.col("household_id").replace_strict(tokens, default=None, return_dtype=pl.String)
            )
    return found


def _read(stack: Stack, dataset: str) -> pl.DataFrame:
    with psycopg.connect(stack.oltp_dsn) as connection:
        cursor = connection.execute(f"SELECT * FROM retail.{dataset}")
        names = [column.name for column in cursor.description or ()]
        return pl.DataFrame(cursor.fetchall(), schema=names, orient="row", infer_schema_length=None)


def open_alerts(stack: Stack) -> set[str]:
    return {alert.key for alert in stack.systems.platform.open_alerts()}


@pytest.mark.timeout(2400)
def test_weeks_are_backfilled_a_rule_is_broken_and_fixed_and_marts_equal_polars(
    stack: Stack,
    oltp: psycopg.Connection,
    dropped: dict[str, pl.DataFrame],
    terms: Callable[..., None],
    trading: Any,
    oracle: Callable[[], Any],
    notification: Callable[..., str],
    warehouse: Any,
    eventually: Callable[..., Any],
    by_form: Order,
    by_api: Order,
    pages: Pages,
) -> None:
    with switched_on(stack, REFINE):
        with trading(51) as shop:
            late = book_late(oltp)
            _backfill_three_weeks(stack, by_form, pages, late, eventually)
            shop.wait_for_commits(5)
        alert = _break_rules(stack, by_form, terms, notification)
        pages.read(alert.split()[-1], "is not published")
        _mend_rules(stack, by_api, terms, notification)
    assert oracle().equal
    eventually(lambda: stack.systems.lake.records("raw.retail_promotions"), dropped["promotions"].height, 120)
    eventually(lambda: stack.systems.lake.records("raw.retail_coupons"), dropped["coupons"].height, 120)
    for dag in REFINEMENTS:
        with switched_on(stack, dag):
            by_api(dag, everything=True)
    with switched_on(stack, *MARTS):
        stack.airflow.parse_again(MARTS[0])  # Airflow watches the inputs of an unpaused DAG from its next parse
        for name in BUILT:
            eventually(lambda name=name: is_built(stack, name), True, 400)
    _agree(stack, frames(stack, dropped), warehouse)
    _shown_by_marquez(stack)


def _shown_by_marquez(stack: Stack) -> None:
    """From each column of a mart in ClickHouse back to the columns of the source's tables, by the events that were stored."""
    marquez, s = replayed(stack.superuser_dsn("headrace")), stack.settings
    contracts = load_index(s.contracts)
    by_table = {lake_table(contract, "cleaned"): contract for contract in contracts.values()}
    served, source = f"clickhouse://{s.bind}:{s.port('CLICKHOUSE')}", f"postgres://{s.bind}:{s.port('POSTGRES')}"

    def of(table: str) -> tuple[str, str]:
        contract = by_table[table]
        return (
            (source, f"oltp.{contract.source.table}")
            if contract.source.kind == "cdc"
            else ("s3://landing", f"retail/{contract.name}")
        )

    for name in BUILT:
        mart = contracts[f"marts.{name}"]
        made_of = origins((s.root / "include" / "sql" / "marts" / f"{name}.sql").read_text(), mart, contracts.values())
        for column, fields in made_of.items():
            ends = marquez.column_origins((served, mart.id), column)
            assert ends == {(of(table), field) for table, field in fields} or not fields, column
    assert not [name for _, name in marquez.upstream((served, "marts.household_value")) if "promotions" in name]


def _backfill_three_weeks(stack: Stack, order: Order, pages: Pages, late: int, eventually: Callable[..., Any]) -> None:
    """Of a cleaned zone that was lost, three weeks are made again, and nothing else of that year."""
    raw = stack.systems.lake.catalog.load_table(f"raw.{TABLE}")
    eventually(lambda: raw.refresh().scan(row_filter="week IN (20, 30, 40)").count(), late, 120)
    for zone in ("cleaned", "history"):
        stack.systems.lake.catalog.load_table(f"{zone}.{TABLE}").delete(AlwaysTrue())
    days = [f"{start}/{start + timedelta(days=6)}" for start in WEEKS.values()]
    run = order(REFINE, days=days)
    (conf,) = [each["conf"] for each in stack.airflow.runs(REFINE, run_type="manual") if each["dag_run_id"] == run]
    assert conf["days"] == days
    pages.read(f"/dags/{REFINE}/runs/{run}/tasks/refine", "refining retail.transactions for")
    assert lines(stack, list(WEEKS)) == late
    assert lines(stack, list(WEEKS), "history") == late
    cleaned = stack.systems.lake.catalog.load_table(f"cleaned.{TABLE}")
    assert cleaned.scan(row_filter="checked_out_at < '2018-01-01T00:00:00+00:00'").count() == late


def _break_rules(stack: Stack, order: Order, terms: Callable[..., None], notification: Callable[..., str]) -> str:
    """Nothing is published and a person is notified; what would have been stands on the branch. The alert."""
    before, in_week_40 = lines(stack, list(WEEKS)), lines(stack, [40])
    terms(TIGHT, FEW)
    with pytest.raises(AirflowRefused, match="is not published: few: found"):
        order(REFINE, everything=True)
    assert lines(stack, list(WEEKS)) == before
    assert lines(stack, [40], branch="audit") == 0
    assert quarantined(stack, "audit") == in_week_40 > 0
    assert quarantined(stack) == 0
    alert = notification("ERROR", "quality:retail.transactions:few", "owner till", f"/dags/{REFINE}/runs/")
    # Without the rule that forbids it, what the rows break is published, and they wait in quarantine. A changed rule of
    # the row is about all rows, unasked.
    terms(TIGHT)
    finished(stack, REFINE, stack.airflow.trigger(REFINE))
    assert lines(stack, [20, 30]) == before - in_week_40
    assert lines(stack, [40]) == 0
    assert quarantined(stack) == in_week_40
    return alert


def _mend_rules(stack: Stack, order: Order, terms: Callable[..., None], notification: Callable[..., str]) -> None:
    terms()
    order(REFINE, everything=True)
    notification("OVER", "quality:retail.transactions:few")
    assert "quality:retail.transactions:few" not in open_alerts(stack)
    assert quarantined(stack) == 0
    assert lines(stack, [40]) > 0


def quarantined(stack: Stack, branch: str | None = None) -> int:
    scan = stack.systems.lake.catalog.load_table(f"quarantine.{TABLE}").scan(row_filter="_rules = 'week_invalidValues'")
    return int((scan.use_ref(branch) if branch else scan).count())


def _agree(stack: Stack, source: dict[str, pl.DataFrame], warehouse: Any) -> None:
    contracts = load_index(stack.settings.contracts)
    for name, recomputed in BUILT.items():
        contract = contracts[f"marts.{name}"]
        columns = [field.name for field in contract.record.fields]
        wanted = recomputed(source)
        rows = warehouse(f"SELECT {', '.join(columns)} FROM marts.{name}")
        assert len(rows) == wanted.height > 50
        assert_same(pl.DataFrame(rows, schema=wanted.select(columns).schema, orient="row"), wanted, contract)
    comment = stack.systems.warehouse.comment("marts.household_value")
    table = stack.systems.lake.table("cleaned.marts_household_value")
    assert table
    assert comment == f"snapshot {table.current_snapshot().snapshot_id} of cleaned.marts_household_value"
    for dataset in BY_FILE:
        assert warehouse(f"SELECT count() FROM retail.{dataset}") == [(source[dataset].height,)]
