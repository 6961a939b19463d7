"""Marts of the shop: each reads one dataset's cleaned table."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from headrace.errors import SystemFailure
from tests.integration.systems.world import ID, TOTAL
from tests.isolation.shop import Shop

TERMS = """
apiVersion: v3.2.0
kind: DataContract
id: marts.{name}
name: {name}
version: 1.0.0
status: active
domain: marts
description: {{purpose: A test.}}
team: {{name: till, members: [{{username: till-oncall, role: owner}}]}}
schema:
  - name: {name}
    logicalType: object
    authoritativeDefinitions: [{{type: implementation, url: {name}.avsc}}]
    properties: [{{name: id, primaryKey: true, primaryKeyPosition: 1}}]
customProperties:
  - {{property: source, value: {{kind: mart}}}}
  - {{property: zones, value: [cleaned]}}
  - {{property: serving, value: clickhouse}}
"""


@contextmanager
def marts_of(shop: Shop, datasets: Sequence[str]) -> Iterator[dict[str, str]]:
    """Declare and apply a mart of each dataset; dataset → its id. Nothing of them stays."""
    names = {dataset: f"{shop.at.domain}_{dataset}" for dataset in datasets}
    for dataset, name in names.items():
        shape = {"type": "record", "name": name, "namespace": "marts", "doc": "A test.", "fields": [ID, TOTAL]}
        sql = f"SELECT id, total FROM cleaned.{shop.at.domain}_{dataset}"
        _write(shop, name, avsc=json.dumps(shape), **{"odcs.yaml": TERMS.format(name=name), "sql": sql})
    shop.world.apply()
    yield {dataset: f"marts.{name}" for dataset, name in names.items()}
    shutil.rmtree(shop.world.folder / "marts")
    for name in names.values():
        with suppress(SystemFailure):
            shop.world.systems.warehouse.execute(f"DROP TABLE IF EXISTS marts.{name} SYNC")
            shop.world.systems.lake.drop_table(f"cleaned.marts_{name}")


def _write(shop: Shop, name: str, **files: str) -> None:
    folder = shop.world.folder / "marts"
    folder.mkdir(exist_ok=True)
    for ending, text in files.items():
        (folder / f"{name}.{ending}").write_text(text)
