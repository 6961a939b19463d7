"""Rewrite the Avro schema of a record's writer, so that many of its records can be decoded in one call.

`avro_blocks` lays records end to end as one block of an Avro file in memory. The file's schema is another one for the
same bytes as the writer's:

* A nested record that is never null is flattened. Then the decoder skips its unused columns instead of building them.
* Every named type is written out at each use. A later use could not refer to a type whose definition was skipped.
* The first field is the five bytes before each record, Confluent's wire format. `avro_blocks` adds the last field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headrace.contracts.targets.debezium import is_envelope
from headrace.systems.kafka.avro_blocks import marked_header

FRAME: Final = "_frame"
FRAME_BYTES: Final = 5

SOURCE_COLUMNS: Final = ("source_ts_us", "source_ts_ms", "source_lsn", "source_origin", "source_origin_lsn")
PRIMITIVES: Final = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
KEPT: Final = ("logicalType", "precision", "scale", "size", "symbols")
"""Attributes that decide how bytes are read; the others only cost time in every block."""


class UnreadableSchema(Exception):
    """Error for a schema that a stream cannot read. The message has the id and the reason."""

    def __init__(self, message: str, rule: str = "schema") -> None:
        super().__init__(message)
        self.rule = rule
        """Broken rule: `wire-format`, `schema-unknown` or `schema`."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """Logical type of a value: Kafka Connect's or Avro's logical name, and the types of its parts."""

    name: str = ""
    fields: Mapping[str, Meaning] = field(default_factory=dict)
    """Field → its meaning, for a record."""
    element: Meaning | None = None
    """Meaning of the values, for an array or a map."""


@dataclass(frozen=True, slots=True)
class Writer:
    """A compiled writer schema."""

    id: int
    header: bytes
    """File header of a block of framed records."""
    columns: tuple[str, ...]
    """Columns read from each record: `after`, and for a change envelope `before`, `op` and parts of `source`."""
    row: Meaning
    """Meaning of the row: of the envelope's `after`, or of the record itself."""
    is_envelope: bool


def compile_writer(schema_id: int, schema: Any) -> Writer:
    """Compile a schema of the registry. Raises UnreadableSchema."""
    inliner = _Inliner(schema_id)
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise UnreadableSchema(f"schema id {schema_id} is not a record")
    inliner.define(schema, "")
    is_change = is_envelope(schema)
    fields: list[dict[str, Any]]
    if is_change:
        fields = list(inliner.flat(schema))
        row = inliner.meaning_of_field(schema, "after")
    else:
        plain, row = inliner.inline(schema, "")
        fields = [{"name": "after", "type": plain}]
    framed = {
        "type": "record",
        "name": "framed",
        "fields": [
            {"name": FRAME, "type": {"type": "fixed", "name": "frame", "size": FRAME_BYTES}},
            *fields,
        ],
    }
    wanted = ("before", "after", "op", *SOURCE_COLUMNS)
    columns = tuple(f["name"] for f in fields if f["name"] in wanted)
    return Writer(schema_id, marked_header(framed), columns, row, is_change)


class _Inliner:
    """Inliner that writes out each named type at every use, under a unique name."""

    def __init__(self, schema_id: int) -> None:
        self._schema_id = schema_id
        self._named: dict[str, tuple[dict[str, Any], str]] = {}
        self._open: list[str] = []
        self._uses = 0

    def define(self, schema: Any, namespace: str) -> None:
        """Collect every named type, for references from anywhere."""
        if isinstance(schema, list):
            for branch in schema:
                self.define(branch, namespace)
        elif isinstance(schema, dict):
            if schema.get("type") in ("record", "enum", "fixed", "error"):
                full, namespace = _full_name(schema, namespace)
                self._named[full] = (schema, namespace)
            for part in (schema.get("type"), schema.get("items"), schema.get("values")):
                if isinstance(part, dict | list):
                    self.define(part, namespace)
            for member in schema.get("fields", ()):
                self.define(member["type"], namespace)

    def flat(self, envelope: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the envelope's fields, with those of `source` flattened as `source_…`."""
        _, namespace = _full_name(envelope, "")
        for member in envelope["fields"]:
            plain, _ = self.inline(member["type"], namespace)
            if member["name"] == "source" and isinstance(plain, dict):
                yield from ({**f, "name": f"source_{f['name']}"} for f in plain["fields"])
            else:
                yield {"name": member["name"], "type": plain}

    def meaning_of_field(self, record: dict[str, Any], name: str) -> Meaning:
        """Return the meaning of a record's field."""
        _, namespace = _full_name(record, "")
        member = next(f for f in record["fields"] if f["name"] == name)
        return self.inline(member["type"], namespace)[1]

    def inline(self, schema: Any, namespace: str) -> tuple[Any, Meaning]:
        """Return the bare schema and its meaning."""
        if isinstance(schema, str):
            return (schema, Meaning()) if schema in PRIMITIVES else self._reference(schema, namespace)
        if isinstance(schema, list):
            return self._union(schema, namespace)
        kind = schema["type"]
        name = schema.get("connect.name") or schema.get("logicalType") or ""
        if isinstance(kind, dict | list):
            return self.inline(kind, namespace)
        if kind in ("record", "error"):
            return self._record(schema, namespace, name)
        if kind == "array":
            items, meaning = self.inline(schema["items"], namespace)
            return {"type": "array", "items": items}, Meaning(name, element=meaning)
        if kind == "map":
            values, meaning = self.inline(schema["values"], namespace)
            return {"type": "map", "values": values}, Meaning(name, element=meaning)
        if kind not in PRIMITIVES and kind not in ("enum", "fixed"):
            return self._reference(kind, namespace)
        return self._scalar(schema, kind), Meaning(name)

    def _scalar(self, schema: dict[str, Any], kind: str) -> Any:
        bare: dict[str, Any] = {key: schema[key] for key in KEPT if key in schema}
        if bare.get("logicalType") == "uuid":  # read as its text, which ClickHouse parses
            bare.pop("logicalType")
        if kind in ("enum", "fixed"):
            bare["name"] = self._fresh()
        return {"type": kind, **bare} if bare else kind

    def _record(self, schema: dict[str, Any], namespace: str, name: str) -> tuple[Any, Meaning]:
        full, inner = _full_name(schema, namespace)
        if full in self._open:
            raise UnreadableSchema(f"schema id {self._schema_id}: type {full} contains itself")
        self._open.append(full)
        members, meanings = [], {}
        for member in schema["fields"]:
            plain, meanings[member["name"]] = self.inline(member["type"], inner)
            members.append({"name": member["name"], "type": plain})
        self._open.pop()
        return {"type": "record", "name": self._fresh(), "fields": members}, Meaning(name, fields=meanings)

    def _union(self, branches: list[Any], namespace: str) -> tuple[Any, Meaning]:
        others = [index for index, branch in enumerate(branches) if branch != "null"]
        if len(others) != 1 or len(branches) > 2:
            raise UnreadableSchema(f"schema id {self._schema_id}: a union of {len(branches)} types is not supported")
        plain, meaning = self.inline(branches[others[0]], namespace)
        return [plain if index in others else "null" for index in range(len(branches))], meaning

    def _reference(self, name: str, namespace: str) -> tuple[Any, Meaning]:
        full = name if "." in name or not namespace else f"{namespace}.{name}"
        found = self._named.get(full) or self._named.get(name)
        if found is None:
            raise UnreadableSchema(f"schema id {self._schema_id} refers to {full}, which it does not define")
        return self.inline(*found)

    def _fresh(self) -> str:
        self._uses += 1
        return f"t{self._uses}"


def _full_name(schema: Mapping[str, Any], namespace: str) -> tuple[str, str]:
    """Return the full name of a named type, and the namespace inside it."""
    name = str(schema["name"])
    if "." in name:
        return name, name.rpartition(".")[0]
    inner = str(schema.get("namespace", namespace))
    return (f"{inner}.{name}" if inner else name), inner
