"""Every error that Headrace raises, as one tree.

HeadraceError
├── ContractError        one rule broken at one place of one contract file
│   └── SchemaTypeError  an Avro type that the type kernel does not carry
├── ContractErrors       all broken rules of a set of contracts, in file order
├── PlanRefused          a plan that cannot be made; nothing was touched
├── HeldBack             some datasets were held back; the others had their turn
└── SystemFailure         talking to a system
    ├── SystemUnavailable  it cannot be reached, or does not answer in time
    └── SystemRefused      it answered, and said no

Each message is a sentence with the place, the fact and the next step.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "ContractError",
    "ContractErrors",
    "HeadraceError",
    "HeldBack",
    "PlanRefused",
    "SchemaTypeError",
    "SystemFailure",
    "SystemRefused",
    "SystemUnavailable",
]


class HeadraceError(Exception):
    """The root: catch it to catch whatever Headrace itself raises."""


class ContractError(HeadraceError):
    """One rule broken at one place: `path:line: rule: message`."""

    def __init__(self, path: str, line: int, rule: str, message: str) -> None:
        super().__init__(path, line, rule, message)
        self.path = path
        """The file, as a reader of the project would name it."""
        self.line = line
        """1-based; best effort: the nearest enclosing element when the place has no line."""
        self.rule = rule
        """Short kebab-case name of the rule, stable across versions."""
        self.message = message
        """What is wrong; what to do next."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


class SchemaTypeError(ContractError):
    """An Avro type or logical type that the type kernel does not carry."""


class ContractErrors(HeadraceError):
    """All broken rules found, one a line."""

    def __init__(self, errors: Iterable[ContractError]) -> None:
        self.errors = tuple(errors)
        super().__init__(self.errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


class PlanRefused(HeadraceError):
    """A plan that cannot be made: nothing was touched."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        """One sentence for each breaking change: place, fact, what it hits, next step."""
        super().__init__(self.reasons)

    def __str__(self) -> str:
        return "\n".join(self.reasons)


class HeldBack(HeadraceError):
    """Some datasets were held back; what was to be done is done for the others."""

    def __init__(self, reasons: Iterable[str], *, retry: bool) -> None:
        self.reasons = tuple(reasons)
        """One sentence for each: which dataset, why, what to do next."""
        self.retry = retry
        """Whether a step failed, so that trying again may help; a refusal stays one."""
        super().__init__(self.reasons)

    def __str__(self) -> str:
        return "\n".join(self.reasons)


class SystemFailure(HeadraceError):
    """Talking to a system went wrong."""

    def __init__(self, system: str, address: str, message: str) -> None:
        super().__init__(system, address, message)
        self.system = system
        """Which system: kafka, connect, registry, lake, warehouse, spark, platform, oltp."""
        self.address = address
        """Where it was sought, without credentials."""
        self.message = message
        """What happened, and what happens next."""

    def __str__(self) -> str:
        return f"{self.system} at {self.address}: {self.message}"


class SystemUnavailable(SystemFailure):
    """The system cannot be reached, or does not answer in time; trying again may help."""


class SystemRefused(SystemFailure):
    """The system answered and refused; trying the same again does not help."""
