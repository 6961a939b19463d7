"""What the tests of planning share: two contracts, settings, and a world that applies a plan."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from headrace.contracts.contract import Contract, Source
from headrace.contracts.types import (
    MISSING,
    Array,
    AvroType,
    Date,
    Decimal,
    Enum,
    Field,
    Map,
    Primitive,
    Record,
    Timestamp,
    Uuid,
)
from headrace.planning.desired import PlanSettings, desired
from headrace.planning.diff import Plan, diff
from headrace.planning.resources import Resource

SNAPSHOTS = Path(__file__).parent / "snapshots"
LONG, INT, STRING = Primitive("long"), Primitive("int"), Primitive("string")

SETTINGS = PlanSettings.from_mapping(
    {
        "kafka_bootstrap": "kafka:9092",
        "registry_url": "http://registry:8080",
        "sources": {"oltp": {"host": "postgres", "port": 5432, "database": "shop"}},
        "catalog": {
            "kind": "rest",
            "uri": "http://catalog:8181",
            "warehouse": "s3://warehouse",
            "s3_endpoint": "http://s3:8333",
        },
    }
)


def field(name: str, number: int, type_: AvroType, *, nullable: bool = False, default: Any = MISSING) -> Field:
    default = None if nullable and default is MISSING else default
    return Field(name, number, type_, nullable, f"The {name}.", default)


LINES = Contract(
    id="retail.basket_lines",
    domain="retail",
    name="basket_lines",
    version="1.0.0",
    owner="till",
    record=Record(
        "BasketLine",
        "retail",
        "One product on one basket.",
        (
            field("basket_id", 1, LONG),
            field("product_id", 2, LONG),
            field("household_id", 3, LONG, nullable=True),
            field("quantity", 4, INT),
            field("sales_value", 5, Decimal(12, 2)),
            field("channel", 6, STRING, default="till"),
            field("sold_on", 7, Date(), nullable=True),
            field("checked_out_at", 8, Timestamp("micros")),
        ),
    ),
    key=("basket_id", "product_id"),
    source=Source("cdc", "oltp", "retail.basket_lines", "envelope"),
    zones=("raw", "cleaned"),
    serving="clickhouse",
    stream_group="retail",
    path="include/schemas/retail/basket_lines.avsc",
)

VIEWS = Contract(
    id="web.page_views",
    domain="web",
    name="page_views",
    version="2.1.0",
    owner="site",
    record=Record(
        "PageView",
        "web",
        "One page shown to one visitor.",
        (
            field("event_id", 1, Uuid()),
            field("device", 2, Enum("Device", ("PHONE", "DESK"), namespace="web")),
            field("tags", 3, Array(STRING, 4), default=[]),
            field("marks", 5, Map(Primitive("double"), 6, 7)),
            field("viewed_at", 8, Timestamp("millis")),
        ),
    ),
    key=("event_id",),
    source=Source("ingest", changes="append"),
    zones=("raw",),
    serving="clickhouse",
    partitions=3,
    stream_group="web",
    path="include/schemas/web/page_views.avsc",
)


PEOPLE = replace(
    VIEWS,
    id="web.people",
    name="people",
    record=Record(
        "Person",
        "web",
        "One visitor as of now.",
        (
            field("person_id", 1, LONG),
            field("city", 2, STRING, nullable=True),
            field("changed_at", 3, Timestamp("micros")),
            field("gone", 4, Primitive("boolean"), nullable=True),
        ),
    ),
    key=("person_id",),
    source=Source("ingest", changes="upsert", version="changed_at", deleted="gone"),
    path="include/schemas/web/people.avsc",
)


def with_field(contract: Contract, changed: Field) -> Contract:
    """The contract with the field of that name changed, or added at the end."""
    fields = contract.record.fields
    names = [f.name for f in fields]
    if changed.name in names:
        fields = tuple(changed if f.name == changed.name else f for f in fields)
    else:
        fields = (*fields, changed)
    return replace(contract, record=replace(contract.record, fields=fields))


def without_field(contract: Contract, name: str) -> Contract:
    fields = tuple(f for f in contract.record.fields if f.name != name)
    return replace(contract, record=replace(contract.record, fields=fields))


def world(*contracts: Contract, settings: PlanSettings = SETTINGS) -> dict[Any, Resource]:
    """What systems observe once the contracts have been applied to nothing."""
    return applied({}, diff(desired(contracts, settings), (), contracts=contracts))


def applied(before: dict[Any, Resource], plan: Plan) -> dict[Any, Resource]:
    """What is observed when every change of the plan has been carried out."""
    assert not plan.refusals, plan.refusals
    after = dict(before)
    for change in plan.changes:
        found = replace(change.resource, spec=jsoned(change.resource.spec), datasets=())
        if change.action == "delete":
            del after[found.key]
        elif change.observed is None:
            after[found.key] = found
        else:
            after[found.key] = replace(found, spec=kept(change.observed.spec, found.spec))
    return after


def kept(observed: Any, wanted: Any) -> dict[str, Any]:
    """The wanted spec, with what the observed one has besides: columns, settings, config."""
    names = {column["name"] for column in wanted.get("columns", ())}
    more = [column for column in observed.get("columns", ()) if column["name"] not in names]
    merged = {
        key: {**observed.get(key, {}), **value}
        for key, value in wanted.items()
        if key in ("config", "properties", "settings")
    }
    columns = {"columns": [*wanted["columns"], *more]} if names else {}
    return {**wanted, **merged, **columns}


def jsoned(value: Any) -> Any:
    return json.loads(json.dumps(value))


def plan_of(*contracts: Contract, there: Iterable[Resource] | dict[Any, Resource], **more: Any) -> Plan:
    observed = there.values() if isinstance(there, dict) else there
    return diff(desired(contracts, SETTINGS), observed, contracts=contracts, **more)


def assert_snapshot(name: str, text: str) -> None:
    """`text` is what the file holds; with UPDATE_SNAPSHOTS=1 the file is written instead."""
    path = SNAPSHOTS / name
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(text.rstrip() + "\n", encoding="utf-8")
    assert text.rstrip() + "\n" == path.read_text(encoding="utf-8"), (
        f"{name} differs; if it should, run with UPDATE_SNAPSHOTS=1 and review the difference"
    )
