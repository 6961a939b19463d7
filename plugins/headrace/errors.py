"""Exceptions that Headrace raises, as one class hierarchy.

HeadraceError
├── ContractError        one broken rule at one place of one contract file
│   └── SchemaTypeError  an Avro type that Headrace does not support
├── ContractErrors       all broken rules of a set of contracts, in file order
├── PlanRefused          a plan that cannot be made; nothing was changed
├── HeldBack             some datasets were held back; the others were processed
└── SystemFailure         a call to a system failed
    ├── SystemUnavailable  the system cannot be reached, or does not answer in time
    └── SystemRefused      the system answered and refused

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
    """Base class of all Headrace exceptions."""


class ContractError(HeadraceError):
    """One rule broken at one place: `path:line: rule: message`."""

    def __init__(self, path: str, line: int, rule: str, message: str) -> None:
        super().__init__(path, line, rule, message)
        self.path = path
        """The contract file, as shown in messages."""
        self.line = line
        """1-based line of the place, or of the nearest enclosing element that has a line."""
        self.rule = rule
        """Short kebab-case name of the rule, stable across versions."""
        self.message = message
        """What is wrong, and what to do next."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


class SchemaTypeError(ContractError):
    """An Avro type or logical type that Headrace does not support."""


class ContractErrors(HeadraceError):
    """All broken rules that were found, one per line."""

    def __init__(self, errors: Iterable[ContractError]) -> None:
        self.errors = tuple(errors)
        super().__init__(self.errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


class PlanRefused(HeadraceError):
    """A plan that cannot be made. Nothing was changed."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        """One sentence per breaking change: place, fact, impact, next step."""
        super().__init__(self.reasons)

    def __str__(self) -> str:
        return "\n".join(self.reasons)


class HeldBack(HeadraceError):
    """Some datasets were held back. The others were processed."""

    def __init__(self, reasons: Iterable[str], *, retry: bool) -> None:
        self.reasons = tuple(reasons)
        """One sentence per dataset: which dataset, why, what to do next."""
        self.retry = retry
        """Whether a step failed, so that a retry may help. A retry does not help after a refusal."""
        super().__init__(self.reasons)

    def __str__(self) -> str:
        return "\n".join(self.reasons)


class SystemFailure(HeadraceError):
    """A call to a system failed."""

    def __init__(self, system: str, address: str, message: str) -> None:
        super().__init__(system, address, message)
        self.system = system
        """The system: kafka, connect, registry, lake, warehouse, spark, platform, oltp."""
        self.address = address
        """The address that was called, without credentials."""
        self.message = message
        """What happened, and what happens next."""

    def __str__(self) -> str:
        return f"{self.system} at {self.address}: {self.message}"


class SystemUnavailable(SystemFailure):
    """The system cannot be reached, or does not answer in time. A retry may help."""


class SystemRefused(SystemFailure):
    """The system answered and refused. A retry of the same call does not help."""
