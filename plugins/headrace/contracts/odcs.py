"""Validate an ODCS document together with its Avro record, and build the `Contract`.

`odcs_model` has already checked the document against the ODCS model. This module checks the rules of Headrace.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from headrace.contracts import properties, sources
from headrace.contracts.cdc import unfaithful, unreadable
from headrace.contracts.contract import Contract, Role
from headrace.contracts.documents import Document, Steps
from headrace.contracts.odcs_model import suggest
from headrace.contracts.references import read_references
from headrace.contracts.refinement import refinement_problems, zone_problems
from headrace.contracts.retention import needs, retention_days, unkept_promise
from headrace.contracts.sla import freshness_s, quality_rules
from headrace.contracts.targets.clickhouse import CONTAINERS
from headrace.contracts.types import SCALARS, Array, AvroType, Enum, Map, Primitive, Record, type_name
from headrace.errors import ContractError

API_VERSION: Final = re.compile(r"v3\.\d+\.\d+")
SEMANTIC_VERSION: Final = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
ACCESSES: Final = ("read", "write", "admin")

TYPE_KEYS: Final = (
    "logicalType",
    "logicalTypeOptions",
    "physicalType",
    "required",
    "enum",
    "items",
    "map",
    "properties",
)
"""Keys that a property must not have, because only the .avsc declares them."""


def read_contract(
    document: Document,
    shape: Document,
    record: Record | None,
    dataset_id: str,
    errors: list[ContractError],
) -> Contract | None:
    """Build the contract of an ODCS document and its record. Return None when a main part is missing.

    `shape` is the .avsc document. When `record` was read only in part, checks that need the missing fields are skipped.
    Broken rules are added to `errors`.
    """
    return _Reader(document, shape, record, dataset_id, errors).read()


class _Reader:
    def __init__(
        self,
        document: Document,
        shape: Document,
        record: Record | None,
        dataset_id: str,
        errors: list[ContractError],
    ) -> None:
        self._document = document
        self._shape = shape
        self._record = record or Record("", "", "", ())
        self._domain, self._dataset = dataset_id.split(".", 1)
        self._errors = errors
        self._data: Mapping[str, Any] = document.data
        self._names = frozenset(_field_names(shape))

    def read(self) -> Contract | None:
        self._identity()
        owner = self._owner()
        declared = self._custom()
        schema = self._schema()
        if schema is None:
            return None
        listed = self._properties(schema)
        key = self._key(listed)
        rules = quality_rules(schema, self._shape_checks(), self._report)
        references = read_references(
            schema, self._domain, self._names, frozenset(rule.name for rule in rules), self._report
        )
        freshness = freshness_s(self._data, self._dataset, self._names, self._report)
        retention = retention_days(self._data, self._dataset, self._report)
        roles = tuple(self._roles())
        if declared is None:
            return None
        classifications = {item["name"]: item["classification"] for _, item in listed if item.get("classification")}
        self._carried(declared)
        self._refined(declared, classifications)
        kept = properties.maintenance(declared["maintenance"])
        if problem := unkept_promise(kept, declared["zones"], retention):
            self._report(("slaProperties",), "sla", problem)
        return Contract(
            id=f"{self._domain}.{self._dataset}",
            domain=self._domain,
            name=self._dataset,
            version=str(self._data.get("version")),
            owner=owner,
            record=self._record,
            key=key,
            source=sources.source(declared["source"]),
            zones=tuple(declared["zones"]),
            serving=declared["serving"],
            partitions=declared["partitions"],
            compatibility=declared["compatibility"],
            stream_group=declared["stream"] or self._domain,
            freshness_s=freshness,
            event_time=declared["eventTime"],
            refine_every_s=properties.refine_every_s(declared["refineEvery"]),
            tokenised=tuple(f.name for f in self._record.fields if f.name in declared["tokenised"]),
            maintenance=kept,
            needs=needs(declared["needs"], self._document, self._place("needs")),
            classifications=classifications,
            roles=roles,
            quality=rules,
            references=references,
            path=self._shape.path,
            outdated=tuple(sources.outdated(declared["source"])),
        )

    def _report(self, steps: Steps, rule: str, message: str) -> None:
        self._errors.append(self._document.error(steps, rule, message))

    def _identity(self) -> None:
        expected = {
            "kind": "DataContract",
            "id": f"{self._domain}.{self._dataset}",
            "name": self._dataset,
            "domain": self._domain,
        }
        for name, value in expected.items():
            if self._data.get(name) != value:
                what = f"{name} is {self._data.get(name)!r}; write {value}"
                self._report((name,), "identity", what)
        for name, pattern, example in (
            ("apiVersion", API_VERSION, "v3.2.0"),
            ("version", SEMANTIC_VERSION, "1.0.0"),
        ):
            if not pattern.fullmatch(str(self._data.get(name))):
                what = f"{name} is {self._data.get(name)!r}; write one like {example}"
                self._report((name,), "version", what)

    def _owner(self) -> str:
        team = self._data.get("team")
        name = team.get("name") if isinstance(team, dict) else None
        if not name:
            what = "the dataset has no owner team; write team: {name: …}"
            self._report(("team",), "owner", what)
        return str(name or "")

    def _custom(self) -> dict[str, Any] | None:
        """Return the value of every custom property, or None when one of them is wrong."""
        values = {name: declared.default for name, declared in properties.PROPERTIES.items()}
        given: set[str] = set()
        before = len(self._errors)
        for index, item in enumerate(self._data.get("customProperties") or ()):
            name, steps = item.get("property"), ("customProperties", index)
            declared = properties.PROPERTIES.get(name)
            if declared is None:
                what = f"unknown custom property {name!r}; {suggest(str(name), values)}"
                self._report(steps, "custom-property", what)
                continue
            if name in given:
                what = f"the custom property {name} is given twice; keep one"
                self._report(steps, "custom-property", what)
            given.add(name)
            values[name] = item.get("value")
            if problem := declared.problem(values[name]):
                self._report((*steps, "value"), name, f"{name} {problem}; write {declared.shape}")
        for name, declared in properties.PROPERTIES.items():
            if declared.required and name not in given:
                what = f"the custom property {name} is missing; write {declared.shape}"
                self._report(("customProperties",), name, what)
        return values if len(self._errors) == before else None

    def _schema(self) -> Mapping[str, Any] | None:
        schemas = self._data.get("schema") or []
        if len(schemas) != 1 or schemas[0].get("name") != self._dataset:
            what = f"schema needs exactly one object, named {self._dataset}; write that one"
            self._report(("schema",), "schema", what)
            return None
        for index, definition in enumerate(schemas[0].get("authoritativeDefinitions") or ()):
            wanted = f"{self._dataset}.avsc"
            if definition.get("type") == "implementation" and definition.get("url") != wanted:
                steps = ("schema", 0, "authoritativeDefinitions", index)
                what = f"the implementation is {definition.get('url')!r}; write {wanted}"
                self._report(steps, "schema", what)
        return dict(schemas[0])

    def _properties(self, schema: Mapping[str, Any]) -> list[tuple[Steps, Mapping[str, Any]]]:
        """Return the schema's properties that name a field of the record, with their places."""
        listed: list[tuple[Steps, Mapping[str, Any]]] = []
        seen: set[str] = set()
        for index, item in enumerate(schema.get("properties") or ()):
            steps: Steps = ("schema", 0, "properties", index)
            name = item.get("name")
            if name not in self._names:
                what = f"{self._shape.path} has no field {name!r}; {suggest(str(name), self._names)}"
                self._report(steps, "property", what)
                continue
            if name in seen:
                self._report(steps, "property", f"{name} is listed twice; keep one")
                continue
            seen.add(name)
            for key in TYPE_KEYS:
                if key in item:
                    what = f"{name}: {key} is declared only in {self._shape.path}; remove it here"
                    self._report((*steps, key), "type-repeated", what)
            listed.append((steps, item))
        return listed

    def _key(self, listed: list[tuple[Steps, Mapping[str, Any]]]) -> tuple[str, ...]:
        parts = [(item, steps) for steps, item in listed if item.get("primaryKey")]
        if not parts:
            what = "no property is part of the key; set primaryKey: true on at least one"
            self._report(("schema", 0, "properties"), "key", what)
        positions = [item.get("primaryKeyPosition", 1) for item, _ in parts]
        if sorted(positions) != list(range(1, len(parts) + 1)):
            what = f"the key's positions are {positions}; number them 1 to {len(parts)}"
            self._report(("schema", 0, "properties"), "key", what)
        for item, steps in parts:
            if problem := self._key_problem(item["name"]):
                self._report(steps, "key", f"{item['name']} {problem}; choose another key")
        in_order = sorted(parts, key=lambda part: int(part[0].get("primaryKeyPosition", 1)))
        return tuple(item["name"] for item, _ in in_order)

    def _key_problem(self, name: str) -> str | None:
        field = self._record.get(name)
        if field is None:
            return None
        if field.nullable:
            return "may be null"
        if not isinstance(field.type, SCALARS):
            return f"is of type {type_name(field.type)}, which is not a scalar"
        if field.type in (Primitive("float"), Primitive("double")):
            return f"is of type {type_name(field.type)}, whose equality is unreliable"
        return None

    def _shape_checks(self) -> frozenset[str]:
        """Return the names of the checks that follow from the record's fields (`planning.checks`)."""
        required = {f"{field.name}_required" for field in self._record.fields if not field.nullable}
        symbols = {f"{field.name}_symbol" for field in self._record.fields if isinstance(field.type, Enum)}
        return frozenset({"key_unique", *required, *symbols})

    def _roles(self) -> Iterator[Role]:
        seen: set[str] = set()
        for index, item in enumerate(self._data.get("roles") or ()):
            name, access = item.get("role"), item.get("access") or "read"
            if not name or name in seen:
                what = f"the role is {name!r}; give each role a unique name"
                self._report(("roles", index), "role", what)
            if access not in ACCESSES:
                what = f"the access of {name} is {access!r}; write {' or '.join(ACCESSES)}"
                self._report(("roles", index, "access"), "role", what)
            seen.add(name)
            yield Role(str(name), access, item.get("description") or "")

    def _carried(self, declared: Mapping[str, Any]) -> None:
        """Report fields that CDC or ClickHouse would change."""
        if declared["source"]["kind"] == "cdc":
            for name, what, why, instead in unfaithful(self._record):
                message = f'field "{name}": {what} is not supported by cdc: {why}; {instead}'
                self._report_shape(name, "cdc-type", message)
        elif sources.source(declared["source"]).changes and "raw" in declared["zones"]:
            for path, why, instead in unreadable(self._record):
                self._report_shape(path, "sink-type", f'field "{path}": {why}; {instead}')
        if declared["serving"] == "clickhouse":
            for name, kind in _nullable_containers(self._record, ""):
                message = (
                    f'field "{name}": ClickHouse has no nullable {kind}, so null and empty would '
                    "become the same; make it not nullable, with an empty default"
                )
                self._report_shape(name, "nullable-container", message)

    def _refined(self, declared: Mapping[str, Any], classifications: Mapping[str, str]) -> None:
        for name, message in (
            *zone_problems(self._domain, declared),
            *refinement_problems(declared, self._record, self._names, classifications),
        ):
            self._report(self._place(name), name, message)
        for message in sources.field_problems(declared["source"], self._record, self._names):
            self._report(self._place("source"), "source", message)

    def _place(self, name: str) -> Steps:
        """Return the place of a custom property's value, or of the list when it is not given."""
        given = [item.get("property") for item in self._data.get("customProperties") or ()]
        return ("customProperties", given.index(name), "value") if name in given else ("customProperties",)

    def _report_shape(self, name: str, rule: str, message: str) -> None:
        names = _field_names(self._shape)
        top = name.split(".")[0].removesuffix("[]").removesuffix("{}")
        steps: Steps = ("fields", names.index(top)) if top in names else ()
        self._errors.append(self._shape.error(steps, rule, message))


def _field_names(shape: Document) -> list[str]:
    """Return the names of the record's fields as written, also of fields that cannot be read."""
    fields = shape.data.get("fields") if isinstance(shape.data, dict) else None
    if not isinstance(fields, list):
        return []
    return [str(item.get("name")) if isinstance(item, dict) else "" for item in fields]


def _nullable_containers(record: Record, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield (path, type name) of every nullable array, map and record, at any depth."""
    for field in record.fields:
        yield from _nullable_inside(field.type, field.nullable, f"{prefix}{field.name}")


def _nullable_inside(avro_type: AvroType, nullable: bool, path: str) -> Iterator[tuple[str, str]]:
    if nullable and isinstance(avro_type, CONTAINERS):
        yield path, type_name(avro_type)
    match avro_type:
        case Array(element, _, element_nullable):
            yield from _nullable_inside(element, element_nullable, f"{path}[]")
        case Map(value, _, _, value_nullable):
            yield from _nullable_inside(value, value_nullable, f"{path}{{}}")
        case Record():
            yield from _nullable_containers(avro_type, f"{path}.")
