"""The two texts of a drafted contract. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from headrace.contracts.avro_render import avro_schema
from headrace.contracts.contract import Source
from headrace.contracts.types import Record

FRESHNESS_S: Final = 60
"""Freshness that a drafted contract promises, in seconds."""
NOT_A_NAME: Final = "a field has a name of lower-case letters, digits and _: rename it"
TERMS: Final = """\
# Everything but the types; those are in {name}.avsc.
apiVersion: v3.2.0
kind: DataContract
id: {id}
name: {name}
version: 1.0.0
status: draft
domain: {domain}
description:
  purpose: {purpose}
team:
  name: {team}
  members: [{{username: {team}, role: owner}}]
schema:
  - name: {name}
    logicalType: object
    dataGranularityDescription: one row per {key}
    authoritativeDefinitions: [{{type: implementation, url: {name}.avsc}}]
    properties:
{properties}
slaProperties:
  - {{property: freshness, value: {freshness}, unit: s, element: {name}, driver: operational}}
roles:
  - {{role: analyst, access: read}}
customProperties:
  - {{property: source, value: {source}}}
  - {{property: zones, value: [raw, cleaned, history, quarantine]}}
  - {{property: serving, value: clickhouse}}
"""


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted contract."""

    shape: str
    """Text of the .avsc."""
    terms: str
    """Text of the .odcs.yaml."""
    left_out: Mapping[str, str]
    """Column or key that the draft does not have → why."""


def render(
    dataset: str, record: Record, key: Sequence[str], source: Source, team: str, left_out: Mapping[str, str]
) -> Draft:
    """Return the texts of a dataset, `<domain>.<name>`. Both load as a contract as they are."""
    domain, _, name = dataset.partition(".")
    properties = "\n".join(
        f"      - {{name: {field}, primaryKey: true, primaryKeyPosition: {place}}}"
        for place, field in enumerate(key, 1)
    )
    terms = TERMS.format(
        id=dataset,
        name=name,
        domain=domain,
        purpose=json.dumps(record.doc, ensure_ascii=False),
        team=team,
        key=" and ".join(key),
        properties=properties,
        freshness=FRESHNESS_S,
        source=_source(source),
    )
    return Draft(_shape(record), terms, left_out)


def record_name(dataset: str) -> str:
    """Return the name of a dataset's record: `shop.order_lines` → `OrderLines`."""
    return "".join(part.capitalize() for part in re.split(r"[._]", dataset.partition(".")[2]))


def undescribed(name: str) -> str:
    """Return the doc of a field of which nothing is known; a person replaces it."""
    return f"To be described: {name}."


def _source(source: Source) -> str:
    parts = [f"kind: {source.kind}"]
    parts += [f"connection: {source.connection}"] if source.connection else []
    parts += [f"table: {source.table}"] if source.table else []
    return f"{{{', '.join(parts)}}}"


def _shape(record: Record) -> str:
    """One field per line, as contracts are written by hand."""
    schema = avro_schema(record)
    head: dict[str, Any] = {name: schema[name] for name in ("type", "name", "namespace")}
    fields = ",\n".join(f"    {json.dumps(field, ensure_ascii=False)}" for field in schema["fields"])
    first = json.dumps(head, ensure_ascii=False)[1:-1]
    return f'{{\n  {first},\n  "doc": {json.dumps(record.doc, ensure_ascii=False)},\n  "fields": [\n{fields}\n  ]\n}}\n'
