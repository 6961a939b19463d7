"""Read an Avro schema (.avsc) into a `Record`, and report types that Headrace does not support.

All broken rules of a file are found in one pass. `avro_render` is the inverse.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from headrace.contracts.avro_defaults import default_problem
from headrace.contracts.avro_faults import FIELD_NAME, NAME, NAMESPACE, Faults, Unreadable
from headrace.contracts.documents import Document, Steps, read_json
from headrace.contracts.types import (
    MISSING,
    Array,
    AvroType,
    Date,
    Decimal,
    Enum,
    Field,
    Fixed,
    Map,
    Primitive,
    PrimitiveKind,
    Record,
    Time,
    Timestamp,
    Uuid,
)
from headrace.errors import ContractError, ContractErrors

MAX_PRECISION: Final = 38
"""Maximum decimal precision of Iceberg and Spark."""

PRIMITIVES: Final = ("boolean", "int", "long", "float", "double", "bytes", "string")

LOGICAL: Final[Mapping[tuple[str, str], AvroType]] = {
    ("int", "date"): Date(),
    ("int", "time-millis"): Time("millis"),
    ("long", "time-micros"): Time("micros"),
    ("long", "timestamp-millis"): Timestamp("millis"),
    ("long", "timestamp-micros"): Timestamp("micros"),
    ("string", "uuid"): Uuid(),
}
"""(Avro type, logicalType) → type. Decimal has parameters and is read separately."""


def parse_avsc(path: str, text: str) -> Record:
    """Read one .avsc. `path` is used in messages. Raises `ContractErrors` with every broken rule."""
    errors: list[ContractError] = []
    record = read_record(read_json(path, text), errors)
    if errors or record is None:
        raise ContractErrors(errors)
    return record


def read_record(document: Document, errors: list[ContractError]) -> Record | None:
    """Read the record of a document, and add every broken rule to `errors`.

    With errors, the returned record holds the fields that could be read, so that the .odcs.yaml can still be checked.
    """
    faults = Faults(document, errors)
    data = document.data
    if not isinstance(data, dict) or data.get("type") != "record":
        faults.report((), "record", 'the schema is not a record; write {"type": "record", …}')
        return None
    try:
        return _Reader(faults).record(data, (), "")
    except Unreadable:
        return None


class _Reader:
    """Reader of one schema. It stores named types, because later fields may refer to them by name."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._named: dict[str, AvroType | None] = {}

    def record(self, data: Mapping[str, Any], steps: Steps, namespace: str) -> Record:
        self._faults.attributes(data, steps, "record")
        name, namespace = self._name(data, steps, namespace)
        items = data.get("fields")
        if not isinstance(items, list) or not items:
            what = f'record "{name}" has no fields; list at least one under "fields"'
            raise self._faults.unreadable((*steps, "fields"), "fields", what)
        fields: dict[str, Field] = {}
        for index, item in enumerate(items):
            place = (*steps, "fields", index)
            try:
                field = self._field(item, place, namespace)
            except Unreadable:
                continue
            if field.name in fields:
                self._faults.report(place, "name", "the name is given twice; rename one of them")
            fields[field.name] = field
        return Record(name, namespace, str(data.get("doc", "")), tuple(fields.values()))

    def _field(self, data: Any, steps: Steps, namespace: str) -> Field:
        name = data.get("name") if isinstance(data, dict) else None
        if not isinstance(name, str) or not FIELD_NAME.fullmatch(name):
            instead = "use lower-case letters, digits and _, a letter first, at most 63"
            what = f"{name!r} cannot name a field; {instead}"
            raise self._faults.unreadable(steps, "name", what)
        self._faults.attributes(data, steps, "field")
        doc = data.get("doc")
        if not isinstance(doc, str) or not doc.strip():
            self._faults.report(steps, "doc", 'it has no doc; describe it in "doc"')
        identity = self._faults.field_id(data, steps, "field-id")
        avro_type, nullable = self._nullable(data.get("type"), (*steps, "type"), namespace)
        self._default(data, steps, avro_type, nullable)
        default = data.get("default", MISSING)
        return Field(name, identity, avro_type, nullable, str(doc or ""), default)

    def _default(self, data: Mapping[str, Any], steps: Steps, avro_type: AvroType, nullable: bool) -> None:
        if nullable and data["type"][0] == "null":
            if data.get("default", MISSING) is not None:
                what = 'a ["null", …] field needs "default": null; add it, or put the type first'
                self._faults.report(steps, "default", what)
        elif "default" in data and (problem := default_problem(avro_type, data["default"])):
            what = f"{problem}; give a default of the field's (first) type"
            self._faults.report((*steps, "default"), "default", what)

    def _nullable(self, data: Any, steps: Steps, namespace: str) -> tuple[AvroType, bool]:
        if not isinstance(data, list):
            return self._type(data, steps, namespace), False
        others = [index for index, branch in enumerate(data) if branch != "null"]
        if len(data) != 2 or len(others) != 1:
            what = f"a union of ({', '.join(_branch_name(branch) for branch in data)})"
            raise self._faults.refuse(steps, what, "use one type, or null and one type")
        return self._type(data[others[0]], (*steps, others[0]), namespace), True

    def _type(self, data: Any, steps: Steps, namespace: str) -> AvroType:
        if isinstance(data, str):
            return self._by_name(data, steps, namespace)
        if not isinstance(data, dict):
            what = "no type" if data is None else f"the type {data!r}"
            raise self._faults.refuse(steps, what, "give a type name or a type object")
        match data.get("type"):
            case "record":
                return self.record(data, steps, namespace)
            case "enum":
                return self._enum(data, steps, namespace)
            case "fixed":
                return self._fixed(data, steps, namespace)
            case "array":
                return self._array(data, steps, namespace)
            case "map":
                return self._map(data, steps, namespace)
            case str(carrier):
                return self._carried(data, carrier, steps, namespace)
        what = "a type within a type"
        raise self._faults.refuse((*steps, "type"), what, "write the inner type itself")

    def _by_name(self, name: str, steps: Steps, namespace: str) -> AvroType:
        if name in PRIMITIVES:
            return Primitive(cast(PrimitiveKind, name))
        full = name if "." in name or not namespace else f"{namespace}.{name}"
        known = self._named.get(full)
        if known is not None:
            return known
        if full in self._named:
            what = f'a second use of the record "{full}" (recursive or repeated)'
            instead = "write the record out, with its own field ids and its own name"
            raise self._faults.refuse(steps, what, instead)
        if name == "null":
            raise self._faults.refuse(steps, "a field that is only null", "use null and one type")
        instead = f"use one of {', '.join(PRIMITIVES)}, or define the type here"
        raise self._faults.refuse(steps, f'the type "{name}"', instead)

    def _carried(self, data: Mapping[str, Any], carrier: str, steps: Steps, namespace: str) -> AvroType:
        """Read a primitive, with or without a logical type."""
        logical = data.get("logicalType")
        if (carrier, logical) == ("bytes", "decimal"):
            self._faults.attributes(data, steps, "decimal")
            return self._decimal(data, steps, None)
        self._faults.attributes(data, steps, "primitive")
        if logical is None:
            return self._by_name(carrier, (*steps, "type"), namespace)
        known = LOGICAL.get((carrier, str(logical)))
        if known is None:
            raise self._logical(carrier, logical, steps)
        return known

    def _logical(self, carrier: str, logical: Any, steps: Steps) -> Unreadable:
        carriers = {"decimal": "bytes or fixed", **{name: on for on, name in LOGICAL}}
        if logical in carriers:
            instead = f"put it on {carriers[logical]}"
        else:
            instead = f"use one of {', '.join(sorted(carriers))}, or the plain {carrier}"
        what = f"logicalType {logical!r} on {carrier}"
        return self._faults.refuse((*steps, "logicalType"), what, instead)

    def _array(self, data: Mapping[str, Any], steps: Steps, namespace: str) -> Array:
        self._faults.attributes(data, steps, "array")
        element_id = self._faults.field_id(data, steps, "element-id")
        element, nullable = self._nullable(data.get("items"), (*steps, "items"), namespace)
        return Array(element, element_id, nullable)

    def _map(self, data: Mapping[str, Any], steps: Steps, namespace: str) -> Map:
        self._faults.attributes(data, steps, "map")
        key_id = self._faults.field_id(data, steps, "key-id")
        value_id = self._faults.field_id(data, steps, "value-id")
        value, nullable = self._nullable(data.get("values"), (*steps, "values"), namespace)
        return Map(value, key_id, value_id, nullable)

    def _decimal(self, data: Mapping[str, Any], steps: Steps, fixed: Fixed | None) -> Decimal:
        precision, scale = data.get("precision"), data.get("scale", 0)
        if type(precision) is not int or not 1 <= precision <= MAX_PRECISION:
            what = f"precision {precision!r} is not from 1 to {MAX_PRECISION}; choose one that is"
            raise self._faults.unreadable((*steps, "precision"), "decimal", what)
        if type(scale) is not int or not 0 <= scale <= precision:
            what = f"scale {scale!r} is not from 0 to the precision {precision}; choose one that is"
            raise self._faults.unreadable((*steps, "scale"), "decimal", what)
        if fixed and 10**precision > 2 ** (8 * fixed.size - 1):
            what = f"{fixed.size} bytes do not hold {precision} digits; increase the size of the fixed"
            self._faults.report((*steps, "size"), "decimal", what)
        return Decimal(precision, scale, fixed)

    def _fixed(self, data: Mapping[str, Any], steps: Steps, namespace: str) -> AvroType:
        logical = data.get("logicalType")
        if logical not in (None, "decimal"):
            raise self._logical("fixed", logical, steps)
        plain = data.keys() - ({"logicalType", "precision", "scale"} if logical else set())
        self._faults.attributes(plain, steps, "fixed")
        name, namespace = self._name(data, steps, namespace)
        size = data.get("size")
        if type(size) is not int or size < 1:
            what = f"size {size!r} is not a positive whole number; give the number of bytes"
            raise self._faults.unreadable((*steps, "size"), "fixed", what)
        fixed = Fixed(name, size, namespace)
        return self._remember(fixed, self._decimal(data, steps, fixed) if logical else fixed)

    def _enum(self, data: Mapping[str, Any], steps: Steps, namespace: str) -> AvroType:
        self._faults.attributes(data, steps, "enum")
        name, namespace = self._name(data, steps, namespace)
        symbols = data.get("symbols")
        valid = isinstance(symbols, list) and all(_is_name(symbol) for symbol in symbols)
        if not valid or not symbols or len(set(symbols)) != len(symbols):
            what = f'enum "{name}" needs distinct symbols of letters, digits and _; correct the list'
            raise self._faults.unreadable((*steps, "symbols"), "enum", what)
        default = data.get("default")
        if default is not None and default not in symbols:
            what = f"the enum's default {default!r} is not one of its symbols; choose one"
            self._faults.report((*steps, "default"), "enum", what)
        enum = Enum(name, tuple(symbols), default, namespace, str(data.get("doc", "")))
        return self._remember(enum, enum)

    def _name(self, data: Mapping[str, Any], steps: Steps, namespace: str) -> tuple[str, str]:
        """Return the name and namespace of a named type. Report a name that is already used."""
        name, namespace = data.get("name"), data.get("namespace", namespace)
        if not _is_name(name):
            what = f"{name!r} cannot name a type; use letters, digits and _, no digit first"
            raise self._faults.unreadable((*steps, "name"), "name", what)
        if not isinstance(namespace, str) or (namespace and not NAMESPACE.fullmatch(namespace)):
            what = f"{namespace!r} cannot be a namespace; use names joined by dots"
            raise self._faults.unreadable((*steps, "namespace"), "name", what)
        full = f"{namespace}.{name}" if namespace else str(name)
        if full in self._named or name in PRIMITIVES:
            what = f'the type name "{full}" is taken; give the type another name'
            self._faults.report((*steps, "name"), "name", what)
        self._named[full] = None
        return str(name), namespace

    def _remember(self, named: Enum | Fixed, avro_type: AvroType) -> AvroType:
        full = f"{named.namespace}.{named.name}" if named.namespace else named.name
        self._named[full] = avro_type
        return avro_type


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and NAME.fullmatch(value) is not None


def _branch_name(branch: Any) -> str:
    if isinstance(branch, dict):
        return str(branch.get("logicalType") or branch.get("name") or branch.get("type"))
    return str(branch)
