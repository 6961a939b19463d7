"""Tables of docs/reference/contracts.md generated from the type definitions and the contract's properties."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, get_args

from headrace.contracts import retention, sla
from headrace.contracts.avro import LOGICAL, MAX_PRECISION, PRIMITIVES
from headrace.contracts.avro_faults import ATTRIBUTES
from headrace.contracts.cdc import unfaithful
from headrace.contracts.contract import RuleKind, Severity
from headrace.contracts.properties import PROPERTIES, SECONDS
from headrace.contracts.targets import clickhouse, debezium, iceberg, jsonschema, postgres, spark
from headrace.contracts.types import (
    TYPE_NAMES,
    Array,
    Decimal,
    Enum,
    Field,
    Fixed,
    Map,
    Primitive,
    Record,
    Time,
    type_name,
)
from headrace.systems.oltp import drift
from include.docs.markdown import code, table

PARAMETRIC: Final = {
    "decimal": '{"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}',
    "fixed": '{"type": "fixed", "name": "Hash", "size": 16}',
    "enum": '{"type": "enum", "name": "Brand", "symbols": ["NATIONAL", "PRIVATE"]}',
    "array": '{"type": "array", "items": "string", "element-id": 7}',
    "map": '{"type": "map", "values": "long", "key-id": 8, "value-id": 9}',
    "record": '{"type": "record", "name": "Address", "fields": […]}',
}
"""Type with parameters → an example in Avro."""


def avro_types() -> str:
    """Return a table of the Avro notation of each type."""
    logical = {type_name(kind): pair for pair, kind in LOGICAL.items()}
    rows = []
    for name in TYPE_NAMES:
        if name in PRIMITIVES:
            written = json.dumps(name)
        elif name in logical:
            carrier, kind = logical[name]
            written = json.dumps({"type": carrier, "logicalType": kind})
        else:
            written = PARAMETRIC[name]
        rows.append((code(name), code(written)))
    note = f"A decimal has at most {MAX_PRECISION} digits. Its base type may also be a `fixed`."
    return f"{table(('type', 'notation'), rows)}\n{note}\n"


def type_mapping() -> str:
    """Return a table that maps each type to its type in each system."""
    rows = [
        (
            code(name),
            code(_plain(iceberg.TYPES[name])),
            code(_plain(clickhouse.TYPES[name]).replace("LowCardinality(…)", "LowCardinality(String)")),
            code(_plain(postgres.TYPES[name])),
            code(_plain(spark.TYPES[name][0])),
            _json_schema(jsonschema.TYPES[name]),
            _carried(name),
        )
        for name in TYPE_NAMES
    ]
    return table(("Avro", "Iceberg", "ClickHouse", "PostgreSQL", "Spark", "JSON", "Debezium sends"), rows)


def avro_attributes() -> str:
    """Return a table of the allowed attributes of each part of an .avsc file."""
    rows = [(part, ", ".join(code(name) for name in sorted(names))) for part, names in ATTRIBUTES.items()]
    return table(("part", "attributes"), rows)


def custom_properties() -> str:
    """Return a table of the custom properties of an ODCS document."""
    rows = [
        (code(p.name), p.shape, "required" if p.required else _default(p.default), p.doc) for p in PROPERTIES.values()
    ]
    return table(("property", "value", "default", "meaning"), rows)


def quality_rules() -> str:
    """Return a table of the keys of a quality rule and their allowed values."""
    units = sorted(SECONDS, key=lambda unit: (SECONDS[unit], len(unit)))
    rows = [
        ("`type`", _codes(get_args(RuleKind))),
        ("`severity`", _codes(get_args(Severity))),
        ("`metric` of a `library` rule", _codes(sla.METRICS)),
        ("condition of a `library` or `sql` rule: exactly one of", _codes(sla.OPERATORS)),
        ("`unit` of a freshness SLA", _codes(units)),
        ("`unit` of a retention", _codes(retention.DAYS)),
    ]
    return table(("key", "one of"), rows)


def postgres_types() -> str:
    """Return a table of the PostgreSQL column types allowed for each Avro type."""
    rows = [(code(name), _codes(types)) for name, types in drift.TYPES.items()]
    rows += [
        ("`enum`", "an enumerated type of the database"),
        ("`array`", "an array of one of these types, except `xml`"),
    ]
    return table(("Avro", "PostgreSQL"), rows)


def not_by_cdc() -> str:
    """Return a table of the types that CDC does not support, with reason and alternative."""
    rows = [(what, why, instead) for _, what, why, instead in unfaithful(_everything_unfaithful())]
    return table(("refused", "because", "instead"), dict.fromkeys(rows))


def drift_rules() -> str:
    """Return the list of drift rules: possible differences between a source table and its contract."""
    return _codes(get_args(drift.Rule)) + "\n"


def _everything_unfaithful() -> Record:
    enum = Enum("E", ("A",))
    kinds: list[Any] = [
        Time("millis"),
        Time("micros"),
        Fixed("F", 4),
        Map(Primitive("long"), 90, 91),
        Record("R", "", "", (Field("x", 92, Primitive("long")),)),
        Decimal(4, 2, Fixed("D", 4)),
        Array(Array(Primitive("long"), 93, True), 94, True),
        Array(enum, 95, True),
        Array(Primitive("long"), 96, False),
    ]
    fields = [Field(f"f{index}", index, kind) for index, kind in enumerate(kinds, 1)]
    fields.append(Field("defaulted", 80, Primitive("long"), nullable=True, default=0))
    return Record("Everything", "", "", tuple(fields))


def _plain(name: str) -> str:
    for parameter, shown in (("{precision}", "p"), ("{scale}", "s"), ("{size}", "n"), ("{inner}", "…")):
        name = name.replace(parameter, shown)
    return name


def _json_schema(schema: Mapping[str, Any]) -> str:
    parts = schema.get("anyOf", [schema])
    named = [p.get("format") or p.get("contentEncoding") or p["type"] for p in parts if "type" in p]
    base = next(str(p["type"]) for p in parts if "type" in p)
    text = base if named[0] == base else f"{base}, {named[0]}"
    return f"{text}; NaN and infinities as text" if len(parts) > 1 else text


def _carried(name: str) -> str:
    if name not in debezium.TYPES:
        return "—"
    carrier, meaning = debezium.TYPES[name]
    return code(carrier) + (f" ({meaning.rpartition('.')[2]})" if meaning else "")


def _default(value: Any) -> str:
    return "" if value is None else code(json.dumps(value) if isinstance(value, list) else value)


def _codes(names: Any) -> str:
    return ", ".join(code(name) for name in names)
