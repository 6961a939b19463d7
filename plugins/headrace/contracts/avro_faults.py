"""Collect the broken rules of an Avro schema: the place, the rule, the next step."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from headrace.contracts.documents import Document, Steps
from headrace.contracts.types import MAX_FIELD_ID
from headrace.errors import ContractError, SchemaTypeError

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NAMESPACE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
FIELD_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")

ATTRIBUTES: Final[Mapping[str, frozenset[str]]] = {
    "field": frozenset({"name", "type", "doc", "default", "field-id"}),
    "record": frozenset({"type", "name", "namespace", "doc", "fields"}),
    "enum": frozenset({"type", "name", "namespace", "doc", "symbols", "default"}),
    "fixed": frozenset({"type", "name", "namespace", "size"}),
    "decimal": frozenset({"type", "logicalType", "precision", "scale"}),
    "array": frozenset({"type", "items", "element-id"}),
    "map": frozenset({"type", "values", "key-id", "value-id"}),
    "primitive": frozenset({"type", "logicalType"}),
}
"""Attributes that each part of a schema may have. Any other attribute is reported as an error."""


class Unreadable(Exception):
    """Raised after an unreadable part of the schema was reported. The other parts are still read."""


class Faults:
    """Collector of the broken rules of one schema."""

    def __init__(self, document: Document, errors: list[ContractError]) -> None:
        self._document = document
        self._errors = errors
        self._ids: dict[int, str] = {}

    def report(self, steps: Steps, rule: str, message: str) -> None:
        """Add a broken rule. The message starts with the field that contains the place."""
        self._errors.append(self._document.error(steps, rule, self._field(steps) + message))

    def unreadable(self, steps: Steps, rule: str, message: str) -> Unreadable:
        """Add a broken rule for a part that cannot be read. Return the exception to raise."""
        self.report(steps, rule, message)
        return Unreadable(message)

    def refuse(self, steps: Steps, what: str, instead: str) -> Unreadable:
        """Add an unsupported type, by name. Return the exception to raise."""
        line = self._document.line(steps)
        message = f"{self._field(steps)}{what} is not supported; {instead}"
        self._errors.append(SchemaTypeError(self._document.path, line, "type", message))
        return Unreadable(message)

    def attributes(self, data: Iterable[str], steps: Steps, part: str) -> None:
        """Report every unknown attribute of a part of the schema."""
        known = ATTRIBUTES[part]
        for name in sorted(set(data) - known):
            instead = f"remove it, or use one of {', '.join(sorted(known))}"
            self.report((*steps, name), "attribute", f'"{name}" is not an attribute here; {instead}')

    def field_id(self, data: Mapping[str, Any], steps: Steps, attribute: str) -> int:
        """Return the id under the attribute.

        Report an id that is missing, wrong or taken. Return 0 for a missing or wrong id.
        """
        value = data.get(attribute)
        steps = (*steps, attribute)
        if type(value) is not int or not 1 <= value <= MAX_FIELD_ID:
            fact = "is missing" if value is None else f"is {value!r}"
            instead = f"give a whole number from 1 to {MAX_FIELD_ID} that was never used here"
            self.report(steps, "field-id", f'"{attribute}" {fact}; {instead}')
            return 0
        if value in self._ids:
            fact = f'"{attribute}" {value} is taken by {self._ids[value]}'
            self.report(steps, "field-id", f"{fact}; give one that was never used")
        else:
            self._ids[value] = self._field(steps).removesuffix(": ")
        return value

    def _field(self, steps: Steps) -> str:
        """Return `field "outer.inner": ` for the field that contains the place, or an empty string."""
        names: list[str] = []
        data: Any = self._document.data
        for before, step in zip((None, *steps), steps, strict=False):
            data = data.get(step) if isinstance(data, dict) else data[step]
            if before == "fields" and isinstance(data, dict) and data.get("name"):
                names.append(str(data["name"]))
        return f'field "{".".join(names)}": ' if names else ""
