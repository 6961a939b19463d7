"""Resource of a system (table, view, topic, subject, connector), in one shape for desired and observed state.

The spec is JSON-serialisable. Its shape depends on the kind:

lake_table       {"columns": [{"name", "type", "required", "id", "doc"}], "partition": [transform],
                  "properties": {str: str}}; types in Iceberg's spelling. `format-version` is
                  a property here, although catalogs store it elsewhere.
warehouse_table  {"columns": [{"name", "type", "default"?, "comment"?}], "engine": "Engine(args)",
                  "order_by": expression, "partition_by"?: expression, "settings": {str: value}}
warehouse_view   {"query": "SELECT …", "types": {column: type}}
serving_table    {"columns": [{"name", "type", "required", "comment"}], "key": "a, b"}; in PostgreSQL
topic            {"partitions": n, "config": {str: str}}
subject          {"schema": Avro schema as JSON, "compatibility": level}
connector        {"config": {str: str}}

An observed spec may have more keys in `properties`, `settings`, `types` and `config` than the desired one. Undeclared
keys are not managed.
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
"""Every kind, in the order of safe changes: targets of writes before their writers."""

Key: TypeAlias = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class Resource:
    """One table, view, topic, subject or connector."""

    kind: Kind
    name: str
    """Name, unique within its kind, in the spelling of its system."""
    spec: Mapping[str, Any] = field(hash=False)
    datasets: tuple[str, ...] = ()
    """Sorted ids of the datasets that use it; empty when none does, or when it was observed."""

    @property
    def key(self) -> Key:
        """Return kind and name, which identify the resource."""
        return self.kind, self.name

    def column(self, name: str) -> Mapping[str, Any] | None:
        """Return the column of that name in the spec, or None."""
        columns: Iterable[Mapping[str, Any]] = self.spec.get("columns", ())
        return next((column for column in columns if column["name"] == name), None)


def in_order(resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """Return the resources in a safe order: by kind, then by name."""
    return tuple(sorted(resources, key=lambda r: (KINDS.index(r.kind), r.name)))


def to_json(resource: Resource) -> dict[str, Any]:
    """Return the resource as a JSON object."""
    return {
        "kind": resource.kind,
        "name": resource.name,
        "spec": dict(resource.spec),
        "datasets": list(resource.datasets),
    }


def from_json(value: Mapping[str, Any]) -> Resource:
    """Return the resource of a JSON object from `to_json`. Raises ValueError for an unknown kind."""
    if value["kind"] not in KINDS:
        raise ValueError(f"unknown kind of resource {value['kind']!r}; known: {', '.join(KINDS)}")
    return Resource(value["kind"], value["name"], value["spec"], tuple(value.get("datasets", ())))


def dumps(resources: Iterable[Resource]) -> str:
    """Return the resources as readable, stable JSON text."""
    return json.dumps([to_json(r) for r in in_order(resources)], indent=2, ensure_ascii=False)


def loads(text: str) -> tuple[Resource, ...]:
    """Return the resources of a text from `dumps`."""
    return tuple(from_json(value) for value in json.loads(text))
