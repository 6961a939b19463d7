"""Read an Avro schema (.avsc) into a `Record`, refusing by name what the type kernel cannot carry.

All broken rules of a file are found in one pass. `avro_render` goes the other way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from headrace.contracts.avro_defaults import default_problem
from headrace.contracts.documents import Document, Steps, read_json
from headrace.contracts.types import (
    MAX_FIELD_ID,
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
from headrace.errors import ContractError, ContractErrors, SchemaTypeError

MAX_PRECISION: Final = 38
"""The widest decimal that Iceberg and Spark have."""

PRIMITIVES: Final = ("boolean", "int", "long", "float", "double", "bytes", "string")

LOGICAL: Final[Mapping[tuple[str, str], AvroType]] = {
    ("int", "date"): Date(),
    ("int", "time-millis"): Time("millis"),
    ("long", "time-micros"): Time("micros"),
    ("long", "timestamp-millis"): Timestamp("millis"),
    ("long", "timestamp-micros"): Timestamp("micros"),
    ("string", "uuid"): Uuid(),
}
"""(primitive, logicalType) → type; decimal has parameters and is read apart."""

ATTRIBUTES: Final[Mapping[str, frozenset[str]]] = {
    "field": frozenset({"name", "type", "doc", "default", "field-id"}),
    "record": frozenset({"type", "name", "namespace", "doc", "fields"}),
    "enum": frozenset({"type", "name", "namespace", "doc", "symbols", "default"}),
    "fixed": frozenset({"type", "name", "namespace", "size"}),
    "decimal": frozenset({"logicalType", "precision", "scale"}),
    "array": frozenset({"type", "items", "element-id"}),
    "map": frozenset({"type", "values", "key-id", "value-id"}),
    "primitive": frozenset({"type", "logicalType"}),
}
"""The attributes that each part of a schema may have: another one is a slip of the pen."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FIELD_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_NAMESPACE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")


def parse_avsc(path: str, text: str) -> Record:
    """Read one .avsc; `path` is for the messages. Raises `ContractErrors` with every broken rule."""
    document = read_json(path, text)
    errors: list[ContractError] = []
    record = read_record(document, errors)
    if errors or record is None:
        raise ContractErrors(errors)
    return record


def read_record(document: Document, errors: list[ContractError]) -> Record | None:
    """Read a document's record, adding every broken rule to `errors`.

    What is returned in spite of errors holds the parts that could be read, so that a reader of the
    other contract file can go on finding faults.
    """
    return _Reader(document, errors).record()


class _Unreadable(Exception):
    """The type at hand was reported and cannot be read."""


class _Reader:
    def __init__(self, document: Document, errors: list[ContractError]) -> None:
        self._document = document
        self._errors = errors
        self._ids: dict[int, str] = {}
        self._named: dict[str, AvroType | None] = {}

    def record(self) -> Record | None:
        data = self._document.data
        if not isinstance(data, dict) or data.get("type") != "record":
            self._report((), "record", 'a dataset is a record; write {"type": "record", …}')
            return None
        try:
            return self._record(data, (), "")
        except _Unreadable:
            return None

    def _report(self, steps: Steps, rule: str, message: str) -> None:
        self._errors.append(self._document.error(steps, rule, message))

    def _refuse(self, steps: Steps, what: str, instead: str) -> _Unreadable:
        line = self._document.line(steps)
        message = f"{self._where(steps)}{what} is not carried; {instead}"
        self._errors.append(SchemaTypeError(self._document.path, line, "type", message))
        return _Unreadable()

    def _where(self, steps: Steps) -> str:
        """`field "a.b": ` for the field in which the place lies, or nothing."""
        names = []
        data = self._document.data
        for step in steps:
            in_fields = isinstance(step, int) and isinstance(data, list)
            data = data[step] if in_fields or step in data else None
            if in_fields and isinstance(data, dict) and isinstance(data.get("name"), str):
                if data.get("type") is not None and "symbols" not in data:
                    names.append(data["name"])
        return f'field "{".".join(names)}": ' if names else ""

    def _attributes(self, data: Mapping[str, Any], steps: Steps, known: Iterable[str]) -> None:
        for name in data.keys() - set(known):
            self._report(
                (*steps, name),
                "attribute",
                f'{self._where(steps)}"{name}" is not an attribute here; '
                f"remove it, or use one of {', '.join(sorted(known))}",
            )

    def _name(self, data: Mapping[str, Any], steps: Steps, namespace: str) -> tuple[str, str]:
        name = data.get("name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            self._report(
                (*steps, "name"),
                "name",
                f"{name!r} cannot name a type; use letters, digits and _, not a digit first",
            )
            raise _Unreadable
        namespace = data.get("namespace", namespace)
        if not isinstance(namespace, str) or (namespace and not _NAMESPACE.fullmatch(namespace)):
            self._report(
                (*steps, "namespace"),
                "name",
                f"{namespace!r} cannot be a namespace; use names joined by dots",
            )
            raise _Unreadable
        full = f"{namespace}.{name}" if namespace else name
        if full in self._named or name in PRIMITIVES:
            self._report(
                (*steps, "name"),
                "name",
                f'the type name "{full}" is taken; give this type another name, '
                "or refer to the enum or fixed of that name by its name alone",
            )
        self._named[full] = None
        return name, namespace

    def _record(self, data: Mapping[str, Any], steps: Steps, namespace: str) -> Record:
        self._attributes(data, steps, ATTRIBUTES["record"])
        name, namespace = self._name(data, steps, namespace)
        items = data.get("fields")
        if not isinstance(items, list) or not items:
            what = f'record "{name}" has no fields; list at least one under "fields"'
            self._report((*steps, "fields"), "fields", what)
            raise _Unreadable
        fields: list[Field] = []
        for index, item in enumerate(items):
            try:
                fields.append(self._field(item, (*steps, "fields", index), namespace))
            except _Unreadable:
                continue
            if fields[-1].name in {other.name for other in fields[:-1]}:
                what = f'field "{fields[-1].name}" is given twice; remove or rename one'
                self._report((*steps, "fields", index, "name"), "name", what)
        return Record(name, namespace, str(data.get("doc", "")), tuple(fields))

    def _field(self, data: Any, steps: Steps, namespace: str) -> Field:
        name = data.get("name") if isinstance(data, dict) else None
        if not isinstance(name, str) or not _FIELD_NAME.fullmatch(name):
            self._report(
                (*steps, "name"),
                "name",
                f"{name!r} cannot name a field; use lower-case letters, digits and _ (at most 63), "
                "a letter first",
            )
            raise _Unreadable
        self._attributes(data, steps, ATTRIBUTES["field"])
        if not isinstance(data.get("doc"), str) or not data["doc"].strip():
            what = f'{self._where(steps)}it has no doc; say in "doc" what it means'
            self._report(steps, "doc", what)
        identity = self._id(data, steps, "field-id")
        avro_type, nullable = self._nullable(data.get("type"), (*steps, "type"), namespace)
        default = data.get("default", MISSING)
        self._default(data, steps, avro_type, nullable)
        return Field(name, identity, avro_type, nullable, str(data.get("doc", "")), default)

    def _default(
        self, data: Mapping[str, Any], steps: Steps, avro_type: AvroType, nullable: bool
    ) -> None:
        union = data["type"] if nullable else None
        if union and union[0] == "null":
            if data.get("default", MISSING) is not None:
                what = 'a ["null", …] field needs "default": null; add it, or put the type first'
                self._report(steps, "default", f"{self._where(steps)}{what}")
        elif "default" in data and (problem := default_problem(avro_type, data["default"])):
            what = f"{self._where(steps)}{problem}; give a default of the field's (first) type"
            self._report((*steps, "default"), "default", what)

    def _id(self, data: Mapping[str, Any], steps: Steps, attribute: str) -> int:
        value = data.get(attribute)
        where = self._where(steps)
        if type(value) is not int or not 1 <= value <= MAX_FIELD_ID:
            fact = "is missing" if value is None else f"is {value!r}"
            what = f'{where}"{attribute}" {fact}; give a whole number from 1 to {MAX_FIELD_ID}'
            self._report((*steps, attribute), "field-id", f"{what} that was never used here")
            return 0
        if value in self._ids:
            what = f'{where}"{attribute}" {value} is taken by {self._ids[value]}'
            self._report((*steps, attribute), "field-id", f"{what}; give one that was never used")
        else:
            self._ids[value] = where.removesuffix(": ")
        return value

    def _nullable(self, data: Any, steps: Steps, namespace: str) -> tuple[AvroType, bool]:
        if not isinstance(data, list):
            return self._type(data, steps, namespace), False
        others = [index for index, branch in enumerate(data) if branch != "null"]
        if len(data) != 2 or len(others) != 1:
            branches = ", ".join(_branch_name(branch) for branch in data)
            raise self._refuse(
                steps,
                f"a union of ({branches})",
                "use one type, or null and one type",
            )
        return self._type(data[others[0]], (*steps, others[0]), namespace), True

    def _type(self, data: Any, steps: Steps, namespace: str) -> AvroType:
        if isinstance(data, str):
            return self._by_name(data, steps, namespace)
        if not isinstance(data, dict):
            raise self._refuse(steps, f"the type {data!r}", "give a type name or a type object")
        kind = data.get("type")
        if isinstance(kind, dict | list):
            raise self._refuse(steps, "a type within a type", 'write the inner "type" itself')
        match kind:
            case "record":
                return self._record(data, steps, namespace)
            case "enum":
                return self._enum(data, steps, namespace)
            case "fixed":
                return self._fixed(data, steps, namespace)
            case "array":
                self._attributes(data, steps, ATTRIBUTES["array"])
                identity = self._id(data, steps, "element-id")
                inner, nullable = self._nullable(data.get("items"), (*steps, "items"), namespace)
                return Array(inner, identity, nullable)
            case "map":
                self._attributes(data, steps, ATTRIBUTES["map"])
                key_id = self._id(data, steps, "key-id")
                value_id = self._id(data, steps, "value-id")
                inner, nullable = self._nullable(data.get("values"), (*steps, "values"), namespace)
                return Map(inner, key_id, value_id, nullable)
        return self._primitive(data, kind, steps, namespace)

    def _by_name(self, name: str, steps: Steps, namespace: str) -> AvroType:
        if name in PRIMITIVES:
            return Primitive(cast(PrimitiveKind, name))
        full = name if "." in name or not namespace else f"{namespace}.{name}"
        known = self._named.get(full)
        if known is not None:
            return known
        if full in self._named:
            raise self._refuse(
                steps,
                f'a second use of the record "{full}" (recursive or repeated)',
                "write the record out with field ids and a name of its own",
            )
        if name == "null":
            raise self._refuse(steps, "a field that is only null", "use null and one type")
        raise self._refuse(steps, f'the type "{name}"', f"use one of {', '.join(PRIMITIVES)}")

    def _primitive(
        self, data: Mapping[str, Any], kind: Any, steps: Steps, namespace: str
    ) -> AvroType:
        logical = data.get("logicalType")
        if logical is None:
            self._attributes(data, steps, ATTRIBUTES["primitive"])
            return self._by_name(str(kind), (*steps, "type"), namespace)
        if (kind, logical) == ("bytes", "decimal"):
            self._attributes(data, steps, ATTRIBUTES["decimal"] | {"type"})
            return self._decimal(data, steps, None)
        self._attributes(data, steps, ATTRIBUTES["primitive"])
        known = LOGICAL.get((str(kind), str(logical)))
        if known is not None:
            return known
        raise self._refuse_logical(kind, logical, steps)

    def _refuse_logical(self, kind: Any, logical: Any, steps: Steps) -> _Unreadable:
        carriers = [carrier for carrier, name in LOGICAL if name == logical]
        if logical == "decimal":
            carriers = ["bytes", "fixed"]
        if carriers:
            instead = f"put it on {' or '.join(carriers)}"
        else:
            known = sorted({name for _, name in LOGICAL} | {"decimal"})
            instead = f"use one of {', '.join(known)}, or the plain {kind}"
        return self._refuse((*steps, "logicalType"), f"logicalType {logical!r} on {kind}", instead)

    def _decimal(self, data: Mapping[str, Any], steps: Steps, fixed: Fixed | None) -> Decimal:
        precision, scale = data.get("precision"), data.get("scale", 0)
        where = self._where(steps)
        if type(precision) is not int or not 1 <= precision <= MAX_PRECISION:
            what = f"decimal precision {precision!r} is not from 1 to {MAX_PRECISION}"
            self._report((*steps, "precision"), "decimal", f"{where}{what}; choose one that is")
            raise _Unreadable
        if type(scale) is not int or not 0 <= scale <= precision:
            what = f"decimal scale {scale!r} is not from 0 to the precision {precision}"
            self._report((*steps, "scale"), "decimal", f"{where}{what}; choose one that is")
            raise _Unreadable
        if fixed and 10**precision > 2 ** (8 * fixed.size - 1):
            what = f"{fixed.size} bytes do not hold {precision} digits"
            self._report((*steps, "size"), "decimal", f"{where}{what}; make the fixed longer")
        return Decimal(precision, scale, fixed)

    def _fixed(self, data: Mapping[str, Any], steps: Steps, namespace: str) -> AvroType:
        logical = data.get("logicalType")
        if logical not in (None, "decimal"):
            raise self._refuse_logical("fixed", logical, steps)
        extra = ATTRIBUTES["decimal"] if logical else frozenset[str]()
        self._attributes(data, steps, ATTRIBUTES["fixed"] | extra)
        name, namespace = self._name(data, steps, namespace)
        size = data.get("size")
        if type(size) is not int or size < 1:
            what = f"{self._where(steps)}fixed size {size!r} is not a positive whole number"
            self._report((*steps, "size"), "fixed", f"{what}; give the number of bytes")
            raise _Unreadable
        fixed = Fixed(name, size, namespace)
        return self._remember(self._decimal(data, steps, fixed) if logical else fixed, fixed)

    def _enum(self, data: Mapping[str, Any], steps: Steps, namespace: str) -> AvroType:
        self._attributes(data, steps, ATTRIBUTES["enum"])
        name, namespace = self._name(data, steps, namespace)
        where, symbols = self._where(steps), data.get("symbols")
        valid = isinstance(symbols, list) and all(_is_name(symbol) for symbol in symbols)
        if not valid or not symbols or len(set(symbols)) != len(symbols):
            what = f'{where}enum "{name}" needs distinct symbols of letters, digits and _'
            self._report((*steps, "symbols"), "enum", f"{what}; mend the list")
            raise _Unreadable
        default = data.get("default")
        if default is not None and default not in symbols:
            what = f"{where}enum default {default!r} is not one of its symbols; choose one"
            self._report((*steps, "default"), "enum", what)
        enum = Enum(name, tuple(symbols), default, namespace, str(data.get("doc", "")))
        return self._remember(enum, enum)

    def _remember(self, avro_type: AvroType, named: Enum | Fixed) -> AvroType:
        full = f"{named.namespace}.{named.name}" if named.namespace else named.name
        self._named[full] = avro_type
        return avro_type


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _branch_name(branch: Any) -> str:
    if isinstance(branch, dict):
        return str(branch.get("logicalType") or branch.get("name") or branch.get("type"))
    return str(branch)
