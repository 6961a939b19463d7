"""Find the differences between a desired resource and the observed resource of the same name.

Only declared values are compared. The order and the ids of columns are not compared, because a catalog assigns its
own. Defaults of columns are not compared: a default applies to rows older than the column, so a later change of the
default would change those rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headrace.planning import canonical
from headrace.planning.resources import Kind, Resource

HIDDEN: Final = "(hidden)"
_SECRET: Final = re.compile(r"password|secret|credential|token|access-key", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between the desired and the observed spec, not yet judged."""

    kind: Kind
    path: str
    before: Any = field(hash=False)
    after: Any = field(hash=False)
    in_key: bool = False
    """Whether the difference concerns a column of the table's sorting or primary key."""
    incompatible: str = ""
    """For a subject: why readers or writers of the other schema would fail; else empty."""


_TYPES: Final[Mapping[str, Callable[[str], str]]] = {
    "lake_table": canonical.lake_type,
    "warehouse_table": canonical.warehouse_type,
    "serving_table": canonical.expression,
}
_COLUMN_TEXT: Final[Mapping[str, str]] = {
    "lake_table": "doc",
    "warehouse_table": "comment",
    "serving_table": "comment",
}


def differences(desired: Resource, observed: Resource) -> Iterator[Difference]:
    """Yield all differences of tables, views, topics and connectors (for subjects: `subject_differences`)."""
    yield from _columns(desired, observed)
    yield from _values(desired, observed)
    yield from _mappings(desired, observed)


def _columns(desired: Resource, observed: Resource) -> Iterator[Difference]:
    kind = desired.kind
    was = {column["name"]: column for column in observed.spec.get("columns", ())}
    is_ = {column["name"]: column for column in desired.spec.get("columns", ())}
    key = set(canonical.ordering_columns(observed.spec.get("order_by") or observed.spec.get("key") or ""))
    for name, column in is_.items():
        if name not in was:
            yield Difference(kind, f"columns.{name}", None, column)
        else:
            yield from _column(desired, was[name], column, in_key=name in key)
    for name, column in was.items():
        if name not in is_:
            yield Difference(kind, f"columns.{name}", column, None, in_key=name in key)


def _column(table: Resource, was: Mapping[str, Any], is_: Mapping[str, Any], *, in_key: bool) -> Iterator[Difference]:
    kind, path = table.kind, f"columns.{is_['name']}"
    before, after = _TYPES[kind](was["type"]), _TYPES[kind](is_["type"])
    if before != after:
        yield Difference(kind, f"{path}.type", before, after, in_key)
    required = bool(was.get("required", False)), bool(is_.get("required", False))
    if required[0] != required[1]:
        yield Difference(kind, f"{path}.required", *required, in_key)
    text = _COLUMN_TEXT[kind]
    texts = was.get(text) or "", is_.get(text) or ""
    if texts[0] != texts[1]:
        yield Difference(kind, f"{path}.{text}", *texts, in_key)


def _values(desired: Resource, observed: Resource) -> Iterator[Difference]:
    for (kind, name), spelled in canonical.SPEC_VALUES.items():
        if kind != desired.kind:
            continue
        before = spelled(observed.spec.get(name) or "")
        after = spelled(desired.spec.get(name) or "")
        if before != after:
            key_changes = name == "order_by" and set(before.split(",")) != set(after.split(","))
            yield Difference(desired.kind, name, before, after, in_key=key_changes)


def _mappings(desired: Resource, observed: Resource) -> Iterator[Difference]:
    for (kind, name), spelled in canonical.SPEC_MAPPINGS.items():
        if kind != desired.kind:
            continue
        was, is_ = observed.spec.get(name, {}), desired.spec.get(name, {})
        for key, value in is_.items():
            if name == "types" and key not in was:  # the query differs too and is reported
                continue
            before = spelled(was[key]) if was.get(key) is not None else None
            after = spelled(value)
            if before != after:
                path = f"{name}.{key}"
                yield Difference(desired.kind, path, shown(key, before), shown(key, after))


def shown(key: str, value: str | None) -> str | None:
    """Return a config value for display. Hide a secret, unless it is a reference `${…}`."""
    if value is None or value.startswith("${") or not _SECRET.search(key):
        return value
    return HIDDEN
