"""A writer's Avro schema, compiled for reading many records at once.

Records are read as one block of an Avro file whose schema is the writer's, rewritten without changing a byte of what it
reads: a nested record that is never null is laid flat, so that columns nobody wants are skipped and not built (three
times faster on Debezium's envelope); every named type is written out where it is used, since a skipped one could not be
referred to; the wire format's five bytes come first (a mark of the reader's comes last, see `avro_blocks`).
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
"""The attributes that decide how bytes are read; the others only cost time at every block."""


class UnreadableSchema(Exception):
    """A schema that the fast lane cannot read; the message says which and why."""

    def __init__(self, message: str, rule: str = "schema") -> None:
        super().__init__(message)
        self.rule = rule
        """What the record breaks, in a word: `wire-format`, `schema-unknown` or `schema`."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a value stands for beyond its Avro type: Kafka Connect's or Avro's logical name, and its parts'."""

    name: str = ""
    fields: Mapping[str, Meaning] = field(default_factory=dict)
    """Of a record: by field."""
    element: Meaning | None = None
    """Of an array or a map: of its values."""


@dataclass(frozen=True, slots=True)
class Writer:
    """A compiled writer schema."""

    id: int
    header: bytes
    """File header of a block of framed records."""
    columns: tuple[str, ...]
    """What is read of each record: `after`, and for a change envelope `before`, `op` and parts of `source`."""
    row: Meaning
    """Of the row: the envelope's `after`, or the record itself."""
    is_envelope: bool


def compile_writer(schema_id: int, schema: Any) -> Writer:
    """Compile a schema as the registry has it. Raises UnreadableSchema."""
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
    """Writes each named type out at every use, under a name of its own."""

    def __init__(self, schema_id: int) -> None:
        self._schema_id = schema_id
        self._named: dict[str, tuple[dict[str, Any], str]] = {}
        self._open: list[str] = []
        self._uses = 0

    def define(self, schema: Any, namespace: str) -> None:
        """Note every named type, so that it can be referred to from anywhere."""
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
        """The envelope's fields, those of `source` laid flat as `source_…`."""
        _, namespace = _full_name(envelope, "")
        for member in envelope["fields"]:
            plain, _ = self.inline(member["type"], namespace)
            if member["name"] == "source" and isinstance(plain, dict):
                yield from ({**f, "name": f"source_{f['name']}"} for f in plain["fields"])
            else:
                yield {"name": member["name"], "type": plain}

    def meaning_of_field(self, record: dict[str, Any], name: str) -> Meaning:
        """What the values of a record's field stand for."""
        _, namespace = _full_name(record, "")
        member = next(f for f in record["fields"] if f["name"] == name)
        return self.inline(member["type"], namespace)[1]

    def inline(self, schema: Any, namespace: str) -> tuple[Any, Meaning]:
        """The bare schema and its meaning."""
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
            raise UnreadableSchema(f"schema id {self._schema_id}: a union of {len(branches)} types is not served")
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
    """Full name of a named type, and the namespace of what is inside it."""
    name = str(schema["name"])
    if "." in name:
        return name, name.rpartition(".")[0]
    inner = str(schema.get("namespace", namespace))
    return (f"{inner}.{name}" if inner else name), inner
