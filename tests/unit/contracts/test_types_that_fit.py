"""Which types may come from where, be served where, and be a key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace.contracts import loading
from tests.support.contract_faults import faults_of
from tests.support.orders_contract import SOURCE, keep_shape, write_shape


def _type(avro_type: Any, **more: Any) -> Callable[[dict[str, Any]], object]:
    return lambda fields: fields["quantity"].update(type=avro_type, **more)


ELEMENT: dict[str, Any] = {"type": "array", "element-id": 50}
INNER = {"type": "record", "name": "Inner", "fields": [{"name": "x", "field-id": 50, "type": "int", "doc": "X."}]}

NOT_BY_CDC: list[tuple[Any, dict[str, Any], str]] = [
    (
        {"type": "int", "logicalType": "time-millis"},
        {},
        "time-millis is not supported by cdc: the Iceberg sink reads every",
    ),
    (
        {"type": "long", "logicalType": "time-micros"},
        {},
        "time-micros is not supported by cdc: the Iceberg sink reads every",
    ),
    (
        {"type": "fixed", "name": "D", "size": 4},
        {},
        "fixed is not supported by cdc: PostgreSQL has no bytes of fixed length",
    ),
    (
        {"type": "map", "key-id": 50, "value-id": 51, "values": "int"},
        {},
        "map is not supported by cdc: Debezium sends an hst",
    ),
    (INNER, {}, "record is not supported by cdc: Debezium sends no composite columns"),
    (
        {"type": "fixed", "name": "D", "size": 4, "logicalType": "decimal", "precision": 9},
        {},
        "a decimal on fixed is not supported by cdc: Debezium sends every numeric as bytes",
    ),
    ({**ELEMENT, "items": "int"}, {}, "an array of elements that are never null is not supported by cdc"),
    (
        {**ELEMENT, "items": ["null", {"type": "int", "logicalType": "time-millis"}]},
        {},
        "time-millis is not supported by cdc",
    ),
    (
        {**ELEMENT, "items": {"type": "array", "element-id": 51, "items": ["null", "int"]}},
        {},
        "an array of arrays is not supported by cdc",
    ),
    (
        {**ELEMENT, "items": ["null", {"type": "enum", "name": "E", "symbols": ["a"]}]},
        {},
        "an array of enum is not supported by cdc: Debezium sends no null inside",
    ),
    (
        ["int", "null"],
        {"default": 1},
        "a nullable field with a default is not supported by cdc: Kafka Connect replaces each null",
    ),
]


def test_what_kafka_connect_cannot_read_is_refused_in_records_of_producers_too(root: Path) -> None:
    grams = {"type": "fixed", "name": "Grams", "size": 8, "logicalType": "decimal", "precision": 12, "scale": 3}
    write_shape(
        root, lambda fields: fields["price"].update(type={"type": "map", "values": grams, "key-id": 31, "value-id": 32})
    )
    keep_shape(root, (SOURCE, "{kind: ingest}"))
    (fault,) = faults_of(root)
    assert 'sink-type: field "price{}": Kafka Connect cannot read a decimal on fixed; put the decimal on bytes' in fault


@pytest.mark.parametrize(("avro_type", "more", "message"), NOT_BY_CDC, ids=[case[2][:30] for case in NOT_BY_CDC])
def test_what_does_not_come_by_cdc_is_refused_by_name(
    root: Path, avro_type: Any, more: dict[str, Any], message: str
) -> None:
    write_shape(root, _type(avro_type, **more))
    (fault,) = faults_of(root)
    assert fault.startswith("include/schemas/shop/orders.avsc:")
    assert f': cdc-type: field "quantity": {message}' in fault
    assert "; " in fault


BY_PRODUCERS = [case for case in NOT_BY_CDC if "fixed" not in case[2] or "decimal" not in case[2]]


@pytest.mark.parametrize(("avro_type", "more", "message"), BY_PRODUCERS, ids=[case[2][:30] for case in BY_PRODUCERS])
def test_an_event_may_have_it(root: Path, avro_type: Any, more: dict[str, Any], message: str) -> None:
    write_shape(root, _type(avro_type, **more))
    keep_shape(root, (SOURCE, "{kind: ingest}"))
    assert len(loading.load_contracts(root)) == 1


@pytest.mark.parametrize(
    ("avro_type", "path", "kind"),
    [
        ({**ELEMENT, "items": ["null", "int"]}, "quantity", "array"),
        ({"type": "map", "key-id": 50, "value-id": 51, "values": "int"}, "quantity", "map"),
        (INNER, "quantity", "record"),
    ],
)
def test_clickhouse_has_no_nullable_container(root: Path, avro_type: Any, path: str, kind: str) -> None:
    write_shape(root, _type(["null", avro_type], default=None))
    keep_shape(root, (SOURCE, "{kind: ingest}"))
    (fault,) = faults_of(root)
    assert f'nullable-container: field "{path}": ClickHouse has no nullable {kind}' in fault
    keep_shape(root, (SOURCE, "{kind: ingest}"), ("value: clickhouse", "value: postgres"))
    assert len(loading.load_contracts(root)) == 1


def test_clickhouse_has_no_nullable_container_at_any_depth(root: Path) -> None:
    inner = {
        **INNER,
        "fields": [
            {**INNER["fields"][0], "type": ["null", {**ELEMENT, "element-id": 51, "items": "int"}], "default": None}
        ],
    }
    write_shape(root, _type({"type": "map", "key-id": 52, "value-id": 53, "values": inner}))
    keep_shape(root, (SOURCE, "{kind: ingest}"))
    (fault,) = faults_of(root)
    assert 'field "quantity{}.x": ClickHouse has no nullable array' in fault


@pytest.mark.parametrize(
    ("avro_type", "message"),
    [
        ("double", "quantity is of type double, whose equality is unreliable"),
        ("float", "quantity is of type float, whose equality is unreliable"),
        ({**ELEMENT, "items": ["null", "int"]}, "quantity is of type array, which is not a scalar"),
    ],
)
def test_a_key_is_one_exact_value(root: Path, avro_type: Any, message: str) -> None:
    write_shape(root, _type(avro_type))
    keep_shape(
        root, ("- name: quantity\n", "- name: quantity\n        primaryKey: true\n        primaryKeyPosition: 3\n")
    )
    assert any(f"key: {message}; choose another key" in fault for fault in faults_of(root))
