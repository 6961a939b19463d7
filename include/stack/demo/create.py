"""Step: a table and a contract become a dataset."""

from __future__ import annotations

from headrace.contracts.names import publication
from headrace.systems.oltp.drift import Source, statements
from include.stack.demo import orders
from include.stack.demo.stage import Stage
from include.stack.demo.step import Seen, Step
from include.stack.demo.typed import clickhouse, dag_page, place, psql, trigger
from include.stack.settings import Settings


def _commands(s: Settings) -> tuple[str, ...]:
    return (
        psql(s, " ".join(orders.CREATE.split()), "headrace"),
        psql(s, f"ALTER TABLE {orders.TABLE} REPLICA IDENTITY FULL", "headrace"),
        f"cp {place(s, orders.CONTRACT)}/* {place(s, s.contracts / 'retail')}",
        f'{trigger(s, orders.APPLY)} with datasets ["{orders.DATASET}"]',
        clickhouse(s, f"SELECT * FROM {orders.TABLE}"),
    )


def _act(stage: Stage) -> Seen:
    new_field = _has_new_field(stage)
    stage.define(orders.CREATE, *([orders.ADD_COLUMN] if new_field else []))
    if missing := _missing(stage, new_field=new_field):
        stage.define(*missing)
    stage.write(f"DELETE FROM {orders.TABLE} WHERE order_id > {orders.FIRST_ORDERS}")
    orders.put(stage, *((order, orders.reference(order), 10) for order in range(1, orders.FIRST_ORDERS + 1)))
    orders.write_contract(stage, new_field=new_field)
    orders.apply_contract(stage)
    rows = orders.wait_until_served(stage)
    return Seen(
        (
            ("rows in PostgreSQL and in ClickHouse", f"{rows}"),
            ("contract", place(stage.s, orders.folder(stage) / orders.FILES[1])),
        ),
        (
            f"the plan, in the log of the task apply: {dag_page(stage.s, orders.APPLY)}",
            "every hop of the dataset: ./headrace status",
        ),
    )


def _has_new_field(stage: Stage) -> bool:
    """Return whether an earlier run of the demo has added the column; a stored column stays declared."""
    raw = stage.systems.lake.table(f"raw.{orders.LAKE}")
    return raw is not None and str(orders.NEW_FIELD["name"]) in raw.schema().column_names


def _missing(stage: Stage, *, new_field: bool) -> tuple[str, ...]:
    """Return the SQL that the source still needs before the table can be captured."""
    oltp, contract = stage.systems.sources["oltp"], orders.contract(new_field=new_field)
    source = Source(oltp.publication(publication("oltp")))
    return statements(contract, oltp.tables([orders.TABLE], source.role).get(orders.TABLE), source)


CREATE = Step(
    "A dataset",
    "A table and a contract of two files become a dataset in every system: topic, schemas, connectors, lake and "
    "warehouse. The stream's driver is replaced by one that also reads the new topic.",
    _commands,
    _act,
)
