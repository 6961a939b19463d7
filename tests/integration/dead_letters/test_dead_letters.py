"""What cannot be read is kept with its place and reason; after the fix it comes into raw and the warehouse, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from headrace.services.dead_letters.quarantine import Quarantine
from headrace.services.dead_letters.replay import Replay
from headrace.services.dead_letters.selection import Selection
from headrace.streaming.replay.job import Places
from include.spark.streaming.metrics import METRICS as ALL_METRICS
from include.stack.commands.status import hop_table

PRODUCTS = "oltp.retail.products"
TRANSACTIONS = "oltp.retail.transactions"
SINK, CDC, METRICS = "lake-retail", "retail/cdc", "retail/metrics"
INSERT = (
    "INSERT INTO retail.products (product_id, manufacturer_id, department, brand) VALUES (%s, 1, 'first', 'Private')"
)
LINE = """
    INSERT INTO retail.transactions (basket_id, product_id, household_id, store_id, quantity, sales_value,
                                     retail_discount, coupon_discount, coupon_match_discount, week, checked_out_at)
    VALUES (%s, 25671, NULL, 331, 2, 3.10, 0, 0, 0, 12, '2017-03-20 04:15:30+00')"""


class Killed(BaseException):
    pass


@pytest.fixture
def products_are_refined(stack: Any) -> Iterator[None]:
    stack.airflow.pause("refine_retail_products", False)
    yield
    stack.airflow.pause("refine_retail_products", True)


def refine(stack: Any) -> None:
    run = stack.airflow.trigger("refine_retail_products")
    stack.airflow.wait_for_run("refine_retail_products", run, 280, lambda line: None)


def departments(stack: Any, table: str, product: int) -> list[str]:
    """Departments of a product in a zone, in source order."""
    found = stack.systems.lake.catalog.load_table(f"{table}.retail_products")
    rows = found.scan(row_filter=f"product_id = {product}").to_arrow().to_pylist()
    return [row["department"] for row in sorted(rows, key=lambda row: row["_offset"])]


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("products_are_refined")
def test_a_replayed_old_change_arrives_once_and_does_not_win(
    stack: Any,
    oltp: Any,
    warehouse: Any,
    raw: Any,
    eventually: Any,
    new_id: Any,
    captured: Any,
    produce: Any,
    dead_letters: Any,
) -> None:
    product = new_id()
    oltp.execute(INSERT, [product])
    first = captured(PRODUCTS, lambda row: row["product_id"] == product)
    late = first.later(stack)
    between = {**first.event["after"], "department": "between"}
    change = {**first.event, "op": "u", "before": first.event["after"], "after": between}
    offset = produce(PRODUCTS, first.key, late.write(change))
    garbage = produce(PRODUCTS, b"no key", b"garbage")
    oltp.execute("UPDATE retail.products SET department = 'last' WHERE product_id = %s", [product])

    served = "SELECT department FROM retail.products WHERE product_id = {id:Int64}"
    history = "SELECT department FROM retail.products_changes FINAL WHERE product_id = {id:Int64} ORDER BY _offset"
    eventually(lambda: [row[0] for row in warehouse(served, id=product)], ["last"])  # neighbours pass
    eventually(
        lambda: [row["department"] for row in raw("retail_products", f"product_id = {product}")], ["first", "last"]
    )
    refine(stack)
    assert departments(stack, "history", product) == ["first", "last"]

    dead_letters.collected(PRODUCTS, offset, SINK, CDC)
    dead_letters.collected(PRODUCTS, garbage, SINK, CDC)
    dead_letters.run("collect_dead_letters")  # again: each dead letter once
    of_sink, of_stream = dead_letters.kept(PRODUCTS, offset)
    assert (of_sink["refused_by"], of_stream["refused_by"]) == (SINK, CDC)
    assert (of_sink["rule"], of_stream["rule"]) == ("value-converter", "schema-unknown")
    assert str(late.id) in of_stream["reason"]
    assert of_sink["reason"]
    for dead_letter in (of_sink, of_stream):
        assert dead_letter["payload"] == late.write(change)
        assert (dead_letter["key"], dead_letter["dataset"]) == (first.key, "retail.products")
    assert [row["rule"] for row in dead_letters.kept(PRODUCTS, garbage)][1] == "wire-format"
    assert {"dead_letters:retail", "dead_letters:lake-retail"} <= dead_letters.alerts()
    (hops,) = [row for row in hop_table(stack.settings) if row.dataset == "retail.products"]
    assert hops.raw.waiting >= 2
    assert hops.warehouse.waiting >= 2
    assert hops.kafka.rows is not None, "an unknown schema must not hide the hop"

    chosen = {"topic": PRODUCTS, "first_offset": offset, "last_offset": garbage}
    assert "4 dead letters wait" in dead_letters.run("replay_dead_letters", **chosen)
    assert set(dead_letters.states(PRODUCTS, offset).values()) == {"waiting"}, "shown, not replayed"
    dead_letters.run("replay_dead_letters", action="replay", **chosen)
    assert set(dead_letters.states(PRODUCTS, offset).values()) == {"waiting"}, "the schema is not there yet"

    late.register()
    log = dead_letters.run("replay_dead_letters", action="replay", **chosen)
    assert "replayed: {'lake-retail': 1, 'retail/cdc': 1}" in log, log
    assert set(dead_letters.states(PRODUCTS, offset).values()) == {"replayed"}
    assert set(dead_letters.states(PRODUCTS, garbage).values()) == {"waiting"}
    all_three = ["first", "between", "last"]
    rows = raw("retail_products", f"product_id = {product}")
    assert [row["department"] for row in rows] == all_three
    genuine, replayed = rows[0], rows[1]
    assert (replayed["_offset"], replayed["_topic"], replayed["_op"]) == (offset, PRODUCTS, "u")
    assert {k: v for k, v in replayed.items() if k not in ("department", "_offset", "_op")} == {
        k: v for k, v in genuine.items() if k not in ("department", "_offset", "_op")
    }, "as the sink would have landed it"
    assert [row[0] for row in warehouse(history, id=product)] == all_three
    assert [row[0] for row in warehouse(served, id=product)] == ["last"], "the old change does not win"

    assert "replayed: none" in dead_letters.run("replay_dead_letters", action="replay", **chosen)
    assert [row["department"] for row in raw("retail_products", f"product_id = {product}")] == all_three

    refine(stack)  # behind the watermark of the first, and taken in all the same
    # Both were committed at one instant, so "first" was never so.
    assert departments(stack, "history", product) == ["between", "last"]
    assert departments(stack, "cleaned", product) == ["last"]

    dead_letters.run("replay_dead_letters", action="discard", **chosen)
    assert set(dead_letters.states(PRODUCTS, garbage).values()) == {"discarded"}
    assert len(dead_letters.kept(PRODUCTS, garbage)) == 2
    oltp.execute("DELETE FROM retail.products WHERE product_id = %s", [product])


@pytest.mark.timeout(600)
def test_a_replay_that_is_killed_between_its_steps_counts_once(
    stack: Any,
    oltp: Any,
    warehouse: Any,
    raw: Any,
    eventually: Any,
    new_id: Any,
    captured: Any,
    produce: Any,
    dead_letters: Any,
) -> None:
    """A late line and its late deletion; each refused by sink, state and metrics, each put by hand and killed."""
    real, basket = new_id(), new_id()
    cell = "SELECT toFloat64(sum(sales)), sum(lines) FROM metrics.sales_by_minute_store WHERE store_id = 331"
    served = "SELECT toFloat64(sales_value) FROM retail.transactions WHERE basket_id = {id:Int64}"
    oltp.execute(LINE, [real])
    first = captured(TRANSACTIONS, lambda row: row["basket_id"] == real)
    late = first.later(stack)
    row = {**first.event["after"], "basket_id": basket, "sales_value": Decimal("41.00")}
    created = produce(TRANSACTIONS, first.key, late.write({**first.event, "after": row}))
    gone = {**first.event, "op": "d", "before": row, "after": None}
    deleted = produce(TRANSACTIONS, first.key, late.write(gone))
    for offset in (created, deleted):
        dead_letters.collected(TRANSACTIONS, offset, SINK, CDC, METRICS)
    eventually(lambda: len(warehouse(served, id=real)), 1)
    eventually(lambda: [row["_offset"] for row in raw("retail_transactions", f"basket_id = {real}")], [first.offset])
    eventually(lambda: bool(warehouse(cell)), True)
    before = warehouse(cell)[0]
    late.register()

    for steps in ((created, (before[0] + 41, before[1] + 1), [(41.0,)]), (deleted, tuple(before), [])):
        offset, counted, state = steps
        chosen = Selection.from_params({"topic": TRANSACTIONS, "first_offset": offset, "last_offset": offset})
        for _ in range(3):  # one batch each of sink, state and metrics dies after it was put
            with pytest.raises(Killed):
                killed_after_put(stack, dead_letters).run(chosen)
        assert set(dead_letters.states(TRANSACTIONS, offset).values()) == {"claimed"}
        for _ in range(2):
            replayed = replay(stack, dead_letters).run(chosen)
            assert replayed.problems == []
        assert set(dead_letters.states(TRANSACTIONS, offset).values()) == {"replayed"}
        assert tuple(warehouse(cell)[0]) == pytest.approx(counted)
        assert [tuple(row) for row in warehouse(served, id=basket)] == state
    found = [(row["_offset"], row["_op"]) for row in raw("retail_transactions", f"basket_id = {basket}")]
    assert found == [(created, "c"), (deleted, "d")]
    oltp.execute("DELETE FROM retail.transactions WHERE basket_id = %s", [real])


def places(stack: Any) -> Places:
    found = {name: stack.endpoint(f"{conn}_default") for name, conn in PLACES.items()}
    return Places(found, Path(stack.settings.contracts), ALL_METRICS)


PLACES = {"registry": "schema_registry", "lake": "lake", "warehouse": "clickhouse", "platform": "platform"}


def replay(stack: Any, dead_letters: Any) -> Replay:
    found = places(stack)
    return Replay(dead_letters.ledger, Quarantine(found.lake), found.destination)


def killed_after_put(stack: Any, dead_letters: Any) -> Replay:
    """A replay whose process dies when the first batch that was not begun yet was put, before that is noted."""
    found, begun = places(stack), {batch.id for batch in dead_letters.ledger.open_batches()}
    ledger = dead_letters.ledger

    class DyingDestination:
        def __init__(self, refused_by: str, topic: str) -> None:
            self.place = found.destination(refused_by, topic)
            self.unreadable = self.place.unreadable

        def put(self, records: Any, token: str) -> None:
            self.place.put(records, token)
            if int(token.partition(":")[2]) not in begun:
                raise Killed

    class UnclosedLedger(type(ledger)):  # type: ignore[misc]
        def done(self, *_: Any) -> None:
            """Never gets to it: what was put stays open, so that it is put again."""

    return Replay(UnclosedLedger(ledger.platform), Quarantine(found.lake), DyingDestination)


def test_the_ledger_keeps_a_dead_letter_once(stack: Any, dead_letters: Any) -> None:
    query = "SELECT count(*), count(DISTINCT (refused_by, topic, kafka_partition, kafka_offset)) FROM dead_letters"
    with psycopg.connect(stack.superuser_dsn("headrace")) as connection:
        row: Any = connection.execute(query).fetchone()
    table = stack.systems.lake.catalog.load_table("quarantine.platform_dead_letters")
    assert row[0] == row[1] == table.scan().count()


def test_lineage_and_plan_are_quiet(stack: Any) -> None:
    """The dataset of dead letters has a lake table and nothing else."""
    from include.stack.contracts import contracts

    contract = contracts(stack.settings)["platform.dead_letters"]
    assert not contract.streamed
    names: Callable[[], set[str]] = lambda: {t for t in stack.systems.kafka.partitions() if "platform" in t}  # noqa: E731
    assert names() == set()
