"""Step: a column more, while everything runs."""

from __future__ import annotations

from include.stack.demo import orders
from include.stack.demo.stage import Stage, Unmet
from include.stack.demo.step import Seen, Step
from include.stack.demo.typed import clickhouse, dag_page, place, psql, trigger
from include.stack.settings import Settings

ORDER = orders.FIRST_ORDERS + 1
NAME = orders.NEW_FIELD["name"]
FILL = f"UPDATE {orders.TABLE} SET {NAME} = 'web' WHERE order_id = {ORDER}"
SERVED = f"SELECT {NAME} FROM {orders.TABLE} WHERE order_id = {ORDER}"
RUNNING = ("kafka", "connect", orders.STREAM, "clickhouse")
"""Processes that a change passes."""


def _commands(s: Settings) -> tuple[str, ...]:
    return (
        f'edit {place(s, s.contracts / "retail" / orders.FILES[0])}: add the field "{NAME}", nullable, field-id 5',
        f'{trigger(s, orders.APPLY)} with datasets ["{orders.DATASET}"]',
        psql(s, orders.ADD_COLUMN, "headrace"),
        psql(s, FILL),
        clickhouse(s, SERVED),
    )


def _act(stage: Stage) -> Seen:
    orders.wait_until_served(stage)
    before = {name: stage.pid(name) for name in RUNNING}
    orders.write_contract(stage, new_field=True)
    orders.apply_contract(stage)
    stage.define(orders.ADD_COLUMN)
    orders.put(stage, (ORDER, orders.reference(ORDER), 10))
    stage.write(FILL)
    stage.wait(
        f"'web' in the column {NAME} of order {ORDER} in ClickHouse",
        lambda: stage.served(SERVED),
        lambda rows: rows == [("web",)],
        next_step=f"read the plan in the log of the task apply: {dag_page(stage.s, orders.APPLY)}",
    )
    after = {name: stage.pid(name) for name in RUNNING}
    if after != before:
        raise Unmet(f"the same processes as before, {before}", after, "read the logs of those that were restarted")
    return Seen(
        (
            (f"{NAME} of order {ORDER} in ClickHouse", "web"),
            *((f"process {name}", f"pid {pid}, as before") for name, pid in after.items()),
        ),
        (f"the plan, in the log of the task apply: {dag_page(stage.s, orders.APPLY)}",),
    )


COLUMN = Step(
    "A column more",
    f'The contract gets the field "{NAME}", and then the table. Lake, registry and warehouse follow. No process is restarted.',
    _commands,
    _act,
)
