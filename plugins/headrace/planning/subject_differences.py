"""Find the differences between a registered subject's schema and the contract's schema.

The source owns the schema of a CDC topic, and Debezium registers it. Only names and types of the row's fields are
compared, so database defaults and a newer Debezium cause no changes. A field that only the source has is not a change;
it is reported as drift.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headrace.contracts.targets import debezium
from headrace.planning import canonical, compatibility
from headrace.planning.differences import Difference
from headrace.planning.resources import Resource


def differences(desired: Resource, observed: Resource) -> Iterator[Difference]:
    """Yield the differences between the desired and the registered subject."""
    levels = observed.spec["compatibility"], desired.spec["compatibility"]
    if levels[0] != levels[1]:
        yield Difference("subject", "compatibility", *levels)
    if desired.name.endswith("-key"):
        yield from _key(desired, observed)
    else:
        yield from _value(desired, observed)


def ahead(desired: Resource, observed: Resource) -> tuple[str, ...]:
    """Return the fields of a CDC topic's source that the contract does not declare."""
    if desired.kind != "subject" or not debezium.is_envelope(desired.spec["schema"]):
        return ()
    is_, was = _row(desired.spec["schema"]), _row(observed.spec["schema"])
    return tuple(name for name in was if name not in is_)


def _key(desired: Resource, observed: Resource) -> Iterator[Difference]:
    is_, was = _types(desired.spec["schema"]), _types(observed.spec["schema"])
    for name in sorted(is_.keys() | was.keys()):
        before, after = was.get(name), is_.get(name)
        if before != after:
            fact = f"{before or 'no such field'} → {after or 'no such field'}"
            yield Difference("subject", f"key.{name}", before, after, incompatible=fact)


def _value(desired: Resource, observed: Resource) -> Iterator[Difference]:
    new, old = desired.spec["schema"], observed.spec["schema"]
    is_, was = _types(new), _types(old)
    only_in_source = set(ahead(desired, observed))
    same_fields = {k: v for k, v in was.items() if k not in only_in_source} == is_
    if same_fields and (debezium.is_envelope(new) or canonical.avro_equal(new, old)):
        return
    broken = _broken(desired, observed)
    for name in sorted({*is_, *was, *broken} - only_in_source):
        before, after = was.get(name), is_.get(name)
        if before != after or name in broken:
            path = f"schema.{name}" if name else "schema"
            yield Difference("subject", path, before, after, incompatible=broken.get(name, ""))
    if same_fields and not broken:
        yield Difference("subject", "schema", "registered", "declared")


def _broken(desired: Resource, observed: Resource) -> dict[str, str]:
    """Return field of the row → why the schemas are incompatible there."""
    level = desired.spec["compatibility"]
    new, old = _row_record(desired.spec["schema"]), _row_record(observed.spec["schema"])
    found = compatibility.problems(new, old, level)
    reasons: dict[str, str] = {}
    for problem in found:
        reasons.setdefault(problem.field.split(".")[0], problem.reason)
    return {name: f"{reason} ({level})" for name, reason in reasons.items()}


def _row_record(schema: Any) -> Any:
    """Return the record of the row: the one inside Debezium's envelope, or the schema itself."""
    whole = _plain_texts(canonical.avro(schema))
    return debezium.row_schema(whole) if debezium.is_envelope(whole) else whole


def _plain_texts(schema: Any) -> Any:
    """Return the schema with Debezium's special text types replaced by string, as contracts declare them."""
    match schema:
        case {"type": "string", "connect.name": str() as name} if name in debezium.TEXTS:
            return "string"
        case Mapping():
            return {key: _plain_texts(value) for key, value in schema.items()}
        case list():
            return [_plain_texts(branch) for branch in schema]
    return schema


def _row(schema: Any) -> dict[str, Any]:
    return {field["name"]: field["type"] for field in _row_record(schema).get("fields", ())}


def _types(schema: Any) -> dict[str, str]:
    """Return field of the row → its type as text. Equal types have equal text."""
    return {name: _type_text(type_) for name, type_ in _row(schema).items()}


def _type_text(type_: Any) -> str:
    """Return a type as text. The branches of a union are sorted, because their order only affects the default."""
    if isinstance(type_, list):
        return " or ".join(sorted(compatibility.type_text(branch) for branch in type_))
    return compatibility.type_text(type_)
