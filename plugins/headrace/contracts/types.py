"""Avro types and records of a dataset, as frozen dataclasses.

Every type that a contract may use is one class here; `AvroType` is their union. Nullability is a flag of a record's
field, an array's element and a map's value, not a type. Ids are Iceberg field ids: positive, unique in the whole
record, and never reused for another field.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

PrimitiveKind: TypeAlias = Literal["boolean", "int", "long", "float", "double", "bytes", "string"]
TimeUnit: TypeAlias = Literal["millis", "micros"]


class Missing(enum.Enum):
    """Type of `MISSING`: a field without a default, which differs from a default of null."""

    MISSING = "missing"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING


@dataclass(frozen=True, slots=True)
class Primitive:
    """An Avro primitive without a logical type."""

    kind: PrimitiveKind


@dataclass(frozen=True, slots=True)
class Decimal:
    """An exact number: `precision` digits in total, `scale` of them after the point."""

    precision: int
    scale: int
    fixed: Fixed | None = None
    """The fixed type that stores it; None when bytes store it."""


@dataclass(frozen=True, slots=True)
class Date:
    """A calendar day without a time zone; int, days since 1970-01-01."""


@dataclass(frozen=True, slots=True)
class Time:
    """A time of day without a time zone; int of milliseconds or long of microseconds."""

    unit: TimeUnit


@dataclass(frozen=True, slots=True)
class Timestamp:
    """An instant; long of milliseconds or microseconds since 1970-01-01T00:00Z."""

    unit: TimeUnit


@dataclass(frozen=True, slots=True)
class Uuid:
    """A UUID, stored as text of 36 characters."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Exactly `size` bytes."""

    name: str
    size: int
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Enum:
    """One of `symbols`. A reader uses `default` for an unknown symbol."""

    name: str
    symbols: tuple[str, ...]
    default: str | None = None
    namespace: str = ""
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Array:
    """A list of elements of one type."""

    element: AvroType
    element_id: int
    element_nullable: bool = False


@dataclass(frozen=True, slots=True)
class Map:
    """A map from string keys to values of one type."""

    value: AvroType
    key_id: int
    value_id: int
    value_nullable: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record."""

    name: str
    id: int
    type: AvroType
    nullable: bool = False
    doc: str = ""
    default: Any = field(default=MISSING, hash=False)
    """The default as written in the .avsc (JSON), or `MISSING`."""


@dataclass(frozen=True, slots=True)
class Record:
    """A named list of fields: a dataset's row, or a struct inside one."""

    name: str
    namespace: str
    doc: str
    fields: tuple[Field, ...]

    @property
    def full_name(self) -> str:
        """Return `namespace.name`, or the bare name without a namespace."""
        return f"{self.namespace}.{self.name}" if self.namespace else self.name

    def get(self, name: str) -> Field | None:
        """Return the field of that name, or None."""
        return next((f for f in self.fields if f.name == name), None)

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)


AvroType: TypeAlias = Primitive | Decimal | Date | Time | Timestamp | Uuid | Fixed | Enum | Array | Map | Record

MAX_FIELD_ID: Final = 9_999
"""Maximum field id of a contract. Higher ids are reserved for the columns that Headrace adds."""

SCALARS: Final = (Primitive, Decimal, Date, Time, Timestamp, Uuid, Fixed, Enum)
"""Types that hold one value. Only these may be a key."""


def type_name(avro_type: AvroType) -> str:
    """Return the type's name in every target's type table, e.g. `long`, `timestamp-micros`."""
    match avro_type:
        case Primitive(kind):
            return kind
        case Time(unit):
            return f"time-{unit}"
        case Timestamp(unit):
            return f"timestamp-{unit}"
        case _:
            return type(avro_type).__name__.lower()


TYPE_NAMES: Final = (
    "boolean",
    "int",
    "long",
    "float",
    "double",
    "bytes",
    "string",
    "decimal",
    "date",
    "time-millis",
    "time-micros",
    "timestamp-millis",
    "timestamp-micros",
    "uuid",
    "fixed",
    "enum",
    "array",
    "map",
    "record",
)
"""Every name that `type_name` can return. A target must map all of them."""
