"""Canonical spelling of types, expressions, settings and schemas, so that equal values compare as equal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from headrace.contracts.targets import iceberg

_QUOTED: Final = re.compile(r"('(?:[^'\\]|\\.)*')")
_SPACE: Final = re.compile(r"\s+")
_AROUND_PUNCTUATION: Final = re.compile(r"\s*([(),=<>:])\s*")
_REPLICATED: Final = re.compile(r"^(?:Replicated|Shared)(\w*MergeTree)\((?:'[^']*','[^']*',?)?")
_DECIMAL_WIDTHS: Final[Mapping[str, int]] = {"32": 9, "64": 18, "128": 38, "256": 76}
_SIZED_DECIMAL: Final = re.compile(r"\bDecimal(32|64|128|256)\((\d+)\)")


def warehouse_type(text: str) -> str:
    """Return a ClickHouse type: `DateTime64(6, 'UTC')` and `DateTime64(6,'UTC')` are equal."""
    return _SIZED_DECIMAL.sub(lambda match: f"Decimal({_DECIMAL_WIDTHS[match[1]]},{match[2]})", expression(text))


def lake_type(value: iceberg.IcebergType) -> str:
    """Return an Iceberg type (JSON form) without the ids, because a catalog assigns its own."""
    return iceberg.describe(value)


def expression(text: str) -> str:
    """Return SQL text without insignificant spaces and backticks. Quoted text is unchanged."""
    parts = _QUOTED.split(text.replace("`", "").strip().rstrip(";"))
    parts[::2] = [_AROUND_PUNCTUATION.sub(r"\1", _SPACE.sub(" ", part)) for part in parts[::2]]
    return "".join(parts)


def engine(text: str) -> str:
    """Return a table engine. A replicated engine equals the plain one that it replicates."""
    plain = _REPLICATED.sub(r"\1(", expression(text))
    return plain.removesuffix("()")


def ordering(text: str) -> str:
    """Return a sorting or partition key: `(a, b)`, `tuple(a, b)` and `a,b` are equal."""
    return ",".join(ordering_columns(text))


def ordering_columns(text: str) -> tuple[str, ...]:
    """Return the expressions of a sorting key, in order."""
    bare = expression(text).removeprefix("tuple")
    if bare.startswith("(") and bare.endswith(")"):
        bare = bare[1:-1]
    parts: list[str] = []
    depth = 0
    for piece in re.split(r"([(),])", bare):
        depth += (piece == "(") - (piece == ")")
        if piece == "," and depth == 0:
            parts.append("")
        elif parts:
            parts[-1] += piece
        else:
            parts.append(piece)
    return tuple(part for part in parts if part)


def setting(value: Any) -> str:
    """Return a server's setting as text: `true`, `True` and `1` are equal."""
    text = str(value).strip()
    return {"true": "1", "false": "0"}.get(text.lower(), text)


def config(value: Any) -> str:
    """Return a topic's or connector's config value as text: `true` for True."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def avro_equal(left: Any, right: Any) -> bool:
    """Return whether two Avro schemas (as JSON values) are equivalent for every reader and writer."""
    return json.dumps(avro(left), sort_keys=True) == json.dumps(avro(right), sort_keys=True)


def avro(schema: Any, namespace: str = "") -> Any:
    """Return an Avro schema in canonical form: full names, no docs, no metadata of Kafka Connect."""
    match schema:
        case str():
            return schema if schema in _AVRO_PRIMITIVES else _full_name(schema, namespace)
        case list():
            return [avro(branch, namespace) for branch in schema]
        case {"type": "record" | "enum" | "fixed"}:
            return _avro_named(schema, namespace)
        case {"type": type_}:
            return _avro_plain(schema, type_, namespace)
    return schema


def _avro_named(schema: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    name = _full_name(schema["name"], schema.get("namespace", namespace))
    kept = {k: schema[k] for k in _NAMED_MEANING if k in schema}
    if "fields" in schema:
        kept["fields"] = [_avro_field(f, name.rpartition(".")[0]) for f in schema["fields"]]
    return {"type": schema["type"], "name": name, **kept}


def _avro_field(field: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    kept = {k: field[k] for k in ("name", "default", "aliases") if k in field}
    return {**kept, "type": avro(field["type"], namespace)}


def _avro_plain(schema: Mapping[str, Any], type_: Any, namespace: str) -> Any:
    kept = {k: schema[k] for k in _PLAIN_MEANING if k in schema}
    kept |= {k: avro(schema[k], namespace) for k in ("items", "values") if k in schema}
    bare = avro(type_, namespace)
    return {"type": bare, **kept} if kept else bare


def _full_name(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"


_AVRO_PRIMITIVES: Final = frozenset(
    {"null", "boolean", "int", "long", "float", "double", "bytes", "string", "array", "map"}
)
_NAMED_MEANING: Final = ("symbols", "size", "default", "logicalType", "precision", "scale")
_PLAIN_MEANING: Final = ("logicalType", "precision", "scale", "connect.name")


def partition(value: Any) -> str:
    """Return an Iceberg partition spec: its transforms, in order."""
    return ",".join(expression(transform) for transform in value)


SPEC_VALUES: Final[Mapping[tuple[str, str], Callable[[Any], str]]] = {
    ("lake_table", "partition"): partition,
    ("warehouse_table", "engine"): engine,
    ("warehouse_table", "order_by"): ordering,
    ("warehouse_table", "partition_by"): ordering,
    ("warehouse_view", "query"): expression,
    ("serving_table", "key"): ordering,
    ("topic", "partitions"): str,
}
"""(kind, key) → canonical form of a plain value of the spec, for comparison."""

SPEC_MAPPINGS: Final[Mapping[tuple[str, str], Callable[[Any], str]]] = {
    ("lake_table", "properties"): str,
    ("warehouse_table", "settings"): setting,
    ("warehouse_view", "types"): warehouse_type,
    ("topic", "config"): config,
    ("connector", "config"): config,
}
"""(kind, key) → canonical form of the values of a mapping in the spec. Only declared keys are compared."""
