"""Whatever the contracts are: the plan of an equal state is empty, and applying one converges."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.contracts.contract import Contract, Source
from headrace.contracts.types import (
    Array,
    AvroType,
    Date,
    Decimal,
    Enum,
    Field,
    Primitive,
    Timestamp,
    Uuid,
)
from headrace.planning.desired import desired
from headrace.planning.diff import diff
from headrace.planning.resources import Resource
from tests.unit.planning.cases import LINES, SETTINGS, applied, jsoned, plan_of, with_field, world

SCALARS = st.one_of(
    st.sampled_from(["boolean", "int", "long", "float", "double", "bytes", "string"]).map(Primitive),
    st.integers(1, 38).flatmap(
        lambda precision: st.integers(0, precision).map(lambda scale: Decimal(precision, scale))
    ),
    st.sampled_from([Date(), Timestamp("millis"), Timestamp("micros"), Uuid()]),
    st.just(Enum("Kind", ("A", "B"))),
)


@st.composite
def fields(draw: st.DrawFn, first: int) -> tuple[Field, ...]:
    types = draw(st.lists(SCALARS, max_size=5))
    found = [named(first + i, type_, draw(st.booleans())) for i, type_ in enumerate(types)]
    if draw(st.booleans()):
        found.append(Field(f"list_{first}", first + 90, Array(Primitive("int"), first + 91, True)))
    return tuple(found)


def named(number: int, type_: AvroType, nullable: bool) -> Field:
    if isinstance(type_, Enum):
        type_ = replace(type_, name=f"Kind{number}")
    more = {"default": None} if nullable else {}
    return Field(f"f_{number}", number, type_, nullable, "A field.", **more)


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    name = draw(st.sampled_from(["lines", "order", "Group"]))
    cdc = draw(st.booleans())
    source = Source("cdc", "oltp", f"shop.{name}", "envelope") if cdc else Source("ingest", changes="append")
    record = replace(LINES.record, fields=(*LINES.record.fields[:2], *draw(fields(100))))
    zones = draw(st.sampled_from([("raw",), ("raw", "cleaned"), ("quarantine",)]))
    level = draw(st.sampled_from(["BACKWARD", "FORWARD", "FULL", "NONE"]))
    return replace(
        LINES, id=f"retail.{name}", name=name, source=source, record=record, zones=zones,
        compatibility=level, partitions=draw(st.integers(1, 12)),
    )  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(contracts())
def test_an_equal_state_has_an_empty_plan(contract: Contract) -> None:
    wanted = desired([contract], SETTINGS)
    assert diff(wanted, wanted).empty
    assert diff(wanted, [as_served(resource) for resource in wanted]).empty


@settings(max_examples=25, deadline=None)
@given(contracts(), st.data())
def test_applying_what_is_missing_converges(contract: Contract, data: st.DataObject) -> None:
    wanted = desired([contract], SETTINGS)
    there = {r.key: r for r in wanted if data.draw(st.booleans())}
    plan = diff(wanted, there.values())
    assert {c.resource.key for c in plan.changes} == {r.key for r in wanted} - there.keys()
    assert diff(wanted, applied(there, plan).values()).empty


@settings(max_examples=25, deadline=None)
@given(contracts(), fields(300))
def test_added_optional_fields_are_applied_and_converge(contract: Contract, added: tuple[Field, ...]) -> None:
    after = contract
    for new in added:
        if not isinstance(new.type, Array):
            after = with_field(after, replace(new, nullable=True, default=None))
    there = world(contract)
    plan = plan_of(after, there=there)
    assert plan.refusals == ()
    assert {c.action for c in plan.changes} <= {"update"}
    assert plan_of(after, there=applied(there, plan)).empty


@settings(max_examples=25, deadline=None)
@given(contracts(), st.data())
def test_a_lost_field_that_is_stored_is_always_refused(contract: Contract, data: st.DataObject) -> None:
    lost = data.draw(st.sampled_from(contract.record.fields))
    kept = tuple(f for f in contract.record.fields if f.name != lost.name)
    key = tuple(name for name in contract.key if name != lost.name)
    after = replace(contract, record=replace(contract.record, fields=kept), key=key)
    plan = plan_of(after, there=world(contract))
    assert f'field "{lost.name}"' in {refusal.about for refusal in plan.refusals}


def as_served(resource: Resource) -> Resource:
    """The resource as a server might give it back: other spaces, ids, numbers, and more keys."""
    spec = jsoned(resource.spec)
    for place, column in enumerate(spec.get("columns", ())):
        column |= {"id": place + 1}
        if isinstance(column["type"], str):
            column["type"] = column["type"].replace(", ", ",")
    for name in ("engine", "order_by", "query"):
        if name in spec:
            spec[name] = spec[name].replace("`", "").replace(", ", ",")
    for name in ("properties", "settings", "config"):
        if name in spec:
            numbers = {k: int(v) if str(v).isdigit() else v for k, v in spec[name].items()}
            spec[name] = {**numbers, "something.else": "x"}
    return replace(resource, spec=spec, datasets=())
