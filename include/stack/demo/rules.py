"""Step: break a rule of one row and a rule of the whole table, and mend both."""

from __future__ import annotations

from headrace.systems.platform.alerts import Alert
from include.stack.airflow_api import AirflowRefused
from include.stack.demo import orders
from include.stack.demo.stage import Stage, Unmet
from include.stack.demo.step import Seen, Step
from include.stack.demo.typed import dag_page, psql, trigger
from include.stack.settings import Settings

WRONG, TWICE = orders.FIRST_ORDERS + 2, orders.FIRST_ORDERS + 3
"""Order with a quantity below 1; order with the reference of order 1."""
BELOW = -5
RULE = "reference_unique"
ALERT = f"quality:{orders.DATASET}:{RULE}"
REFUSED = "is not published"


def _commands(s: Settings) -> tuple[str, ...]:
    insert = f"INSERT INTO {orders.TABLE} (order_id, reference, quantity, amount) VALUES"
    return (
        psql(s, f"{insert} ({WRONG}, '{orders.reference(WRONG)}', {BELOW}, 9.99)"),
        trigger(s, orders.REFINE),
        psql(s, f"{insert} ({TWICE}, '{orders.reference(1)}', 10, 9.99)"),
        f"{trigger(s, orders.REFINE)}; it fails",
        psql(s, f"UPDATE {orders.TABLE} SET reference = '{orders.reference(TWICE)}' WHERE order_id = {TWICE}"),
        psql(s, f"UPDATE {orders.TABLE} SET quantity = 5 WHERE order_id = {WRONG}"),
        trigger(s, orders.REFINE),
    )


def _act(stage: Stage) -> Seen:
    stage.airflow.wait_for_dag(orders.REFINE, 300)
    orders.put(stage, (TWICE, orders.reference(TWICE), 10))
    reason = _break_row(stage)
    readers, refused, alert = _break_table(stage)
    rows = _mend(stage)
    return Seen(
        (
            (f"order {WRONG} in quarantine, its reason", reason),
            ("open alert", f"{alert.severity} {alert.key}: {alert.text}"),
            (f"reference of order {TWICE} on the branch audit", refused),
            (f"reference of order {TWICE} for readers meanwhile", readers),
            ("alert after the correction", "resolved"),
            ("rows in cleaned after the correction", f"{rows}, as in PostgreSQL"),
        ),
        (
            f"the failed run and the runs after it: {dag_page(stage.s, orders.REFINE)}",
            "SELECT * FROM quality.results FINAL WHERE dataset = 'retail.demo_orders', in ClickHouse",
        ),
    )


def _break_row(stage: Stage) -> str:
    """Put an order with a wrong quantity; return the reason that quarantine gives."""
    orders.put(stage, (WRONG, orders.reference(WRONG), BELOW))
    orders.refine(stage)
    waiting = orders.lake_rows(stage, "quarantine", f"order_id = {WRONG}")
    if not waiting:
        raise Unmet(f"order {WRONG} in quarantine", "no such row", _read(stage))
    if BELOW in orders.reads(stage, WRONG, "quantity")():
        raise Unmet(f"no order with quantity {BELOW} in cleaned", f"order {WRONG}", _read(stage))
    return str(waiting[-1]["_reason"])


def _break_table(stage: Stage) -> tuple[str, str, Alert]:
    """Put a second order with the reference of the first; return it for readers and on the branch, and the alert."""
    orders.put(stage, (TWICE, orders.reference(1), 10))
    try:
        run = orders.refine(stage)
    except AirflowRefused as failure:
        if REFUSED not in str(failure):
            raise
    else:
        raise Unmet(f"a refinement that fails with '{REFUSED}'", f"run {run}, which succeeded", _read(stage))
    alert = next((alert for alert in stage.systems.platform.open_alerts() if alert.key == ALERT), None)
    if alert is None:
        raise Unmet(f"the open alert {ALERT}", "none", _read(stage))
    (readers,), (refused,) = (
        orders.reads(stage, TWICE, "reference")(),
        orders.reads(stage, TWICE, "reference", "audit")(),
    )
    if (readers, refused) != (orders.reference(TWICE), orders.reference(1)):
        raise Unmet("the former reference for readers, the new one on the branch", (readers, refused), _read(stage))
    return readers, refused, alert


def _mend(stage: Stage) -> int:
    """Correct both orders in the source; return the rows in cleaned."""
    orders.put(stage, (WRONG, orders.reference(WRONG), 5), (TWICE, orders.reference(TWICE), 10))
    orders.refine(stage)
    if ALERT in {alert.key for alert in stage.systems.platform.open_alerts()}:
        raise Unmet(f"the alert {ALERT} resolved", "it is open", _read(stage))
    expected, found = len(stage.source(orders.ROWS)), len(orders.lake_rows(stage, "cleaned", "order_id > 0"))
    if found != expected:
        raise Unmet(f"{expected} rows in cleaned, as in PostgreSQL", found, _read(stage))
    return found


def _read(stage: Stage) -> str:
    return f"read the log of the last run: {dag_page(stage.s, orders.REFINE)}"


RULES = Step(
    "Break a rule",
    f"An order with quantity {BELOW} breaks a rule of one row: it goes to quarantine, the others pass. Two orders with one "
    "reference break a rule of the whole table: nothing is published, an alert opens, the new rows wait on the branch "
    "audit. Then both are corrected in the source.",
    _commands,
    _act,
)
