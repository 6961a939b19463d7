"""One spelling for what servers spell in several ways, so that equal things compare as equal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

_QUOTED: Final = re.compile(r"('(?:[^'\\]|\\.)*')")
_SPACE: Final = re.compile(r"\s+")
_AROUND_PUNCTUATION: Final = re.compile(r"\s*([(),=<>:])\s*")
_FIELD_ID: Final = re.compile(r"(?<=[<,])\d+:")
_REPLICATED: Final = re.compile(r"^(?:Replicated|Shared)(\w*MergeTree)\((?:'[^']*','[^']*',?)?")
_DECIMAL_WIDTHS: Final[Mapping[str, int]] = {"32": 9, "64": 18, "128": 38, "256": 76}
_SIZED_DECIMAL: Final = re.compile(r"\bDecimal(32|64|128|256)\((\d+)\)")


def warehouse_type(text: str) -> str:
    """A ClickHouse type: `DateTime64(6, 'UTC')` and `DateTime64(6,'UTC')` are one."""
    return _SIZED_DECIMAL.sub(
        lambda match: f"Decimal({_DECIMAL_WIDTHS[match[1]]},{match[2]})", expression(text)
    )


def lake_type(text: str) -> str:
    """An Iceberg type without the field ids, which a catalog gives anew when it makes a table."""
    return _FIELD_ID.sub("", expression(text))


def expression(text: str) -> str:
    """SQL text without the spaces and backticks that carry no meaning; quoted text stays."""
    parts = _QUOTED.split(text.replace("`", "").strip().rstrip(";"))
    parts[::2] = [_AROUND_PUNCTUATION.sub(r"\1", _SPACE.sub(" ", part)) for part in parts[::2]]
    return "".join(parts)


def engine(text: str) -> str:
    """A table engine; a replicated one counts as the plain one that it replicates."""
    plain = _REPLICATED.sub(r"\1(", expression(text))
    return plain.removesuffix("()")


def ordering(text: str) -> str:
    """A sorting or partition key: `(a, b)`, `tuple(a, b)` and `a,b` are one."""
    return ",".join(ordering_columns(text))


def ordering_columns(text: str) -> tuple[str, ...]:
    """The expressions of a sorting key, in order."""
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
    """A server's setting as text: `true`, `True` and `1` are one."""
    text = str(value).strip()
    return {"true": "1", "false": "0"}.get(text.lower(), text)


def config(value: Any) -> str:
    """A topic's or connector's config value: always text, `true` for True."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def avro(schema: Any) -> Any:
    """An Avro schema as what it means to a reader: without docs and Connect's own attributes."""
    match schema:
        case list():
            return [avro(branch) for branch in schema]
        case {"type": str() as inner, **rest} if not _meaning(rest):
            return inner
        case dict():
            kept = {k: v for k, v in schema.items() if k in _AVRO_MEANING}
            return {k: avro(v) if k in _AVRO_NESTED else _fields(k, v) for k, v in kept.items()}
    return schema


_AVRO_NESTED: Final = frozenset({"type", "items", "values"})
_AVRO_MEANING: Final = _AVRO_NESTED | {
    "name",
    "namespace",
    "fields",
    "symbols",
    "size",
    "logicalType",
    "precision",
    "scale",
    "default",
    "aliases",
}


def _meaning(attributes: Mapping[str, Any]) -> bool:
    return any(name in _AVRO_MEANING for name in attributes)


def _fields(key: str, value: Any) -> Any:
    return [avro(field) for field in value] if key == "fields" else value


def avro_equal(left: Any, right: Any) -> bool:
    """Whether two Avro schemas mean the same to every reader and writer."""
    return json.dumps(avro(left), sort_keys=True) == json.dumps(avro(right), sort_keys=True)


def partition(value: Any) -> str:
    """An Iceberg partition spec: its transforms, in order."""
    return ",".join(expression(transform) for transform in value)


SPEC_VALUES: Final[Mapping[tuple[str, str], Callable[[Any], str]]] = {
    ("lake_table", "partition"): partition,
    ("warehouse_table", "engine"): engine,
    ("warehouse_table", "order_by"): ordering,
    ("warehouse_table", "partition_by"): ordering,
    ("warehouse_view", "query"): expression,
    ("topic", "partitions"): str,
}
"""How to compare the plain values of a spec: by kind and key."""

SPEC_MAPPINGS: Final[Mapping[tuple[str, str], Callable[[Any], str]]] = {
    ("lake_table", "properties"): str,
    ("warehouse_table", "settings"): setting,
    ("topic", "config"): config,
    ("connector", "config"): config,
}
"""How to compare the values of a spec's mappings, of which only declared keys are compared."""
