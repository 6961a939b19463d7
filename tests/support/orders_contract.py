"""The contract `shop.orders` on disk, its shape or its terms changed by a test."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.generated_contracts import TERMS, avsc, write_contract

SOURCE = "{kind: cdc, connection: oltp, table: shop.orders}"


def write_terms(root: Path, *changes: tuple[str, str], dataset: str = "orders") -> None:
    """Write the contract `shop.orders`, with parts of its terms replaced."""
    write_contract(root, "shop", dataset)
    text = TERMS.format(domain="shop", dataset=dataset)
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    (root / "shop" / f"{dataset}.odcs.yaml").write_text(text, encoding="utf-8")


def write_shape(root: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Write the contract `shop.orders`, with its fields (by name) changed."""
    shape = write_contract(root, "shop", "orders")
    schema: Any = avsc("shop")
    change({field["name"]: field for field in schema["fields"]})
    shape.write_text(json.dumps(schema, indent=1), encoding="utf-8")


def keep_shape(root: Path, *changes: tuple[str, str]) -> None:
    """Change the terms, and leave the shape as it stands."""
    shape = root / "shop" / "orders.avsc"
    text = shape.read_text(encoding="utf-8")
    write_terms(root, *changes)
    shape.write_text(text, encoding="utf-8")
