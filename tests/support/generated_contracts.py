"""Any number of valid contracts on disk, to measure and to test with."""

from __future__ import annotations

import json
from pathlib import Path

DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}
INSTANT = {"type": "long", "logicalType": "timestamp-micros"}
STATE = {"type": "enum", "name": "State", "symbols": ["open", "paid", "void"], "default": "open"}

TERMS = """\
apiVersion: v3.2.0
kind: DataContract
id: {domain}.{dataset}
name: {dataset}
version: 1.0.0
status: active
domain: {domain}
team: {{name: till}}
schema:
  - name: {dataset}
    logicalType: object
    authoritativeDefinitions: [{{type: implementation, url: {dataset}.avsc}}]
    properties:
      - {{name: order_id, primaryKey: true, primaryKeyPosition: 1}}
      - {{name: line, primaryKey: true, primaryKeyPosition: 2}}
      - {{name: customer_id, classification: pseudonymous}}
      - name: quantity
        quality: [{{type: library, metric: nullValues, mustBe: 0, severity: warning}}]
slaProperties:
  - {{property: freshness, value: 5, unit: s, element: {dataset}.booked_at}}
roles:
  - {{role: analyst, access: read}}
customProperties:
  - {{property: source, value: {{kind: cdc, connection: oltp, table: {domain}.{dataset}}}}}
  - {{property: zones, value: [raw, cleaned, history]}}
  - {{property: serving, value: clickhouse}}
"""


def write_contracts(root: Path, count: int, *, datasets_per_domain: int = 50) -> None:
    """Write `count` contracts of twelve fields each under `root`."""
    for number in range(count):
        domain = f"domain_{number // datasets_per_domain:03d}"
        write_contract(root, domain, f"orders_{number:05d}")


def write_contract(root: Path, domain: str, dataset: str) -> Path:
    """Write one contract's two files; returns the .avsc."""
    folder = root / domain
    folder.mkdir(parents=True, exist_ok=True)
    shape = folder / f"{dataset}.avsc"
    shape.write_text(json.dumps(avsc(domain), indent=2), encoding="utf-8")
    terms = folder / f"{dataset}.odcs.yaml"
    terms.write_text(TERMS.format(domain=domain, dataset=dataset), encoding="utf-8")
    return shape


def avsc(domain: str) -> dict[str, object]:
    """An .avsc as JSON data, to be changed by a test before it is written."""
    types: dict[str, object] = {
        "order_id": "long",
        "line": "int",
        "customer_id": ["null", "long"],
        "quantity": "int",
        "price": DECIMAL,
        "discount": DECIMAL,
        "state": STATE,
        "ordered_on": {"type": "int", "logicalType": "date"},
        "booked_at": INSTANT,
        "paid_at": ["null", INSTANT],
        "note": ["null", "string"],
        "tags": {"type": "array", "element-id": 101, "items": ["null", "string"]},
    }
    fields = [
        {
            "name": name,
            "field-id": number,
            "type": avro_type,
            **({"default": None} if isinstance(avro_type, list) else {}),
            "doc": f"What {name} says about one line of one order.",
        }
        for number, (name, avro_type) in enumerate(types.items(), 1)
    ]
    return {"type": "record", "name": "Order", "namespace": domain, "doc": "One line of an order.", "fields": fields}
