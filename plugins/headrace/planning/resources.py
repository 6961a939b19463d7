"""A resource: one thing that a system holds, in the same shape whether it is desired or observed.

The spec is JSON-able. Its shape depends on the kind:

lake_table       {"columns": [{"name", "type", "required", "id", "doc"}], "partition": [transform],
                  "properties": {str: str}}; types in Iceberg's own words. `format-version` stands
                  among the properties although catalogs keep it elsewhere.
warehouse_table  {"columns": [{"name", "type", "default"?, "comment"?}], "engine": "Engine(args)",
                  "order_by": expression, "partition_by"?: expression, "settings": {str: value}}
warehouse_view   {"query": "SELECT …", "types": {column: type}}
serving_table    {"columns": [{"name", "type", "required", "comment"}], "key": "a, b"}; in PostgreSQL
topic            {"partitions": n, "config": {str: str}}
subject          {"schema": Avro schema as JSON, "compatibility": level}
connector        {"config": {str: str}}

An observed spec may hold more keys in `properties`, `settings`, `types` and `config` than the desired one:
what is not declared is not managed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, get_args

Kind: TypeAlias = Literal[
    "lake_table", "warehouse_table", "warehouse_view", "serving_table", "topic", "subject", "connector"
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
"""Every kind, in the order in which changes are safe: what is written to, before what writes."""

Key: TypeAlias = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class Resource:
    """One table, view, topic, subject or connector."""

    kind: Kind
    name: str
    """Unique within its kind, as its system spells it."""
    spec: Mapping[str, Any] = field(hash=False)
    datasets: tuple[str, ...] = ()
    """Ids of the datasets it serves, sorted; empty when it serves none or when it was observed."""

    @property
    def key(self) -> Key:
        """What identifies it: kind and name."""
        return self.kind, self.name

    def column(self, name: str) -> Mapping[str, Any] | None:
        """The spec's column of that name, or None."""
        columns: Iterable[Mapping[str, Any]] = self.spec.get("columns", ())
        return next((column for column in columns if column["name"] == name), None)


def in_order(resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """The resources in safe order: by kind, then by name."""
    return tuple(sorted(resources, key=lambda r: (KINDS.index(r.kind), r.name)))


def to_json(resource: Resource) -> dict[str, Any]:
    """The resource as a JSON object."""
    return {
        "kind": resource.kind,
        "name": resource.name,
        "spec": dict(resource.spec),
        "datasets": list(resource.datasets),
    }


def from_json(value: Mapping[str, Any]) -> Resource:
    """The inverse of `to_json`. Raises ValueError for an unknown kind."""
    if value["kind"] not in KINDS:
        raise ValueError(f"unknown kind of resource {value['kind']!r}; known are {', '.join(KINDS)}")
    return Resource(value["kind"], value["name"], value["spec"], tuple(value.get("datasets", ())))


def dumps(resources: Iterable[Resource]) -> str:
    """The resources as readable, stable JSON text."""
    return json.dumps([to_json(r) for r in in_order(resources)], indent=2, ensure_ascii=False)


def loads(text: str) -> tuple[Resource, ...]:
    """The inverse of `dumps`."""
    return tuple(from_json(value) for value in json.loads(text))
