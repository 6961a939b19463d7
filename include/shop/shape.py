"""Shape of a dataset for the oracle: key, columns and the kind of each column.

It parses the contract's files without the platform's code: an oracle that shared the platform's
type parser would share its bugs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from include.shop.errors import NoExactText

Kind = Literal["integer", "decimal", "timestamp", "date", "text", "boolean"]

KINDS: Mapping[str, Kind] = {
    "int": "integer",
    "long": "integer",
    "string": "text",
    "boolean": "boolean",
    "enum": "text",
    "bytes:decimal": "decimal",
    "fixed:decimal": "decimal",
    "int:date": "date",
    "long:timestamp-millis": "timestamp",
    "long:timestamp-micros": "timestamp",
    "string:uuid": "text",
}
"""Avro type with its logical type → kind. Other types have no exact text in every engine."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `scale` applies to decimals only."""

    name: str
    kind: Kind
    scale: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """Shape of a dataset: its id, key columns in key order, and all columns in contract order."""

    dataset: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def table(self) -> str:
        """Return the dataset's name without its domain."""
        return self.dataset.partition(".")[2]


def read_shapes(root: Path) -> dict[str, Shape]:
    """Return dataset id → shape of all datasets with a CDC source under `root` (include/schemas)."""
    shapes = (read_shape(path) for path in sorted(root.glob("*/*.avsc")) if _by_cdc(path))
    return {shape.dataset: shape for shape in shapes}


def _by_cdc(avsc: Path) -> bool:
    document = yaml.safe_load(avsc.with_suffix(".odcs.yaml").read_text())
    declared = {p["property"]: p["value"] for p in document.get("customProperties", ())}
    return bool(declared.get("source", {}).get("kind") == "cdc")


def read_shape(avsc: Path) -> Shape:
    """Return the shape of one contract. Raises NoExactText with the name of a field that cannot be compared."""
    schema = json.loads(avsc.read_text())
    document = yaml.safe_load(avsc.with_suffix(".odcs.yaml").read_text())
    keys = [p for p in document["schema"][0]["properties"] if p.get("primaryKey")]
    return Shape(
        dataset=document["id"],
        key=tuple(p["name"] for p in sorted(keys, key=lambda p: p["primaryKeyPosition"])),
        columns=tuple(_column(avsc, field) for field in schema["fields"]),
    )


def _column(avsc: Path, field: Mapping[str, Any]) -> Column:
    declared = field["type"]
    if isinstance(declared, list):
        (declared,) = (branch for branch in declared if branch != "null")
    name, logical, scale = declared, None, 0
    if isinstance(declared, dict):
        name, logical = declared["type"], declared.get("logicalType")
        scale = declared.get("scale", 0)
    kind = KINDS.get(f"{name}:{logical}" if logical else name)
    if kind is None:
        raise NoExactText(
            f'{avsc}: field "{field["name"]}": type {declared} has no exact text in every engine,'
            " so the oracle cannot compare it"
        )
    return Column(field["name"], kind, scale)
