"""The PostgreSQL types that a contract can carry: how each is declared, and which values try it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import strategies as st

from tests.fidelity import literals
from tests.fidelity.exact import Form

Literal = str
Strategy = st.SearchStrategy[Literal]


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One type of a column."""

    name: str
    postgres: str
    avro: Any
    """Its Avro type, without null, as an .avsc says it."""
    form: Form
    plain: Strategy
    """Values that every stage must carry, in PostgreSQL's input syntax."""
    hazards: Mapping[str, Strategy] = field(default_factory=dict)
    """Values that some stage may refuse, but never change: by the name of the class."""
    default: Literal | None = None
    """A value for a column with a default."""
    in_key: bool = True
    element: Kind | None = None
    """What an array holds; None: it is no array."""

    @property
    def is_array(self) -> bool:
        """Whether it is an array of another kind."""
        return self.element is not None


def _logical(carrier: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": carrier, "logicalType": name, **more}


def _decimal(precision: int, scale: int) -> Kind:
    digits = "9" * precision
    widest = f"{digits[: precision - scale]}.{digits[precision - scale :]}".rstrip(".")
    return Kind(
        f"numeric_{precision}_{scale}",
        f"numeric({precision},{scale})",
        _logical("bytes", "decimal", precision=precision, scale=scale),
        "decimal",
        literals.decimals(precision, scale, widest),
        {"numeric-nan": st.just("NaN")},
        default=widest,
    )


def _instant(name: str, postgres: str, unit: str, digits: int) -> Kind:
    return Kind(
        name, postgres, _logical("long", f"timestamp-{unit}"), "instant", literals.instants(1, 9999, digits),
        {
            "instant-infinite": st.sampled_from(["infinity", "-infinity"]),
            "instant-beyond-9999": literals.instants(10_000, 294_276, digits),
            "instant-before-christ": literals.instants(1, 4_713, digits, bc=True),
        },
        default="2024-02-29 12:34:56.5+00",
    )  # fmt: skip


_JSON: Final = literals.json_texts()
SCALARS: Final[tuple[Kind, ...]] = (
    Kind("boolean", "boolean", "boolean", "boolean", st.sampled_from(["t", "f"]), default="t"),
    Kind("smallint", "smallint", "int", "integer", literals.integers(16), default="7"),
    Kind("integer", "integer", "int", "integer", literals.integers(32), default="-7"),
    Kind("bigint", "bigint", "long", "integer", literals.integers(64), default="9007199254740993"),
    Kind("real", "real", "float", "float", literals.floats(32), default="2.5", in_key=False),
    Kind("double", "double precision", "double", "double", literals.floats(64), default="0.1", in_key=False),
    _decimal(12, 2),
    _decimal(38, 10),
    _decimal(38, 38),
    _decimal(9, 0),
    Kind("text", "text", "string", "text", literals.texts(), {"huge": literals.huge()}, default="it's"),
    Kind("varchar", "character varying(20)", "string", "text", literals.texts(20), default="v"),
    Kind("character", "character(5)", "string", "text", literals.texts(5), default="c"),
    Kind("citext", "citext", "string", "text", literals.texts(60), default="Ci"),
    Kind("json", "json", "string", "text", _JSON, default='{"a":  1}', in_key=False),
    Kind("jsonb", "jsonb", "string", "text", _JSON, default='{"a": 1}', in_key=False),
    Kind("xml", "xml", "string", "text", literals.xml_texts(), default="<a/>", in_key=False),
    Kind("bytea", "bytea", "bytes", "bytes", literals.blobs(), default="\\x00ff"),
    Kind(
        "date", "date", _logical("int", "date"), "date", literals.dates(1900, 2299),
        {
            "date-beyond-date32": literals.dates(1, 1899) | literals.dates(2300, 9999),
            "date-beyond-9999": literals.dates(10_000, 5_874_897),
            "date-before-christ": literals.dates(1, 4_713, bc=True),
            "date-infinite": st.sampled_from(["infinity", "-infinity"]),
        },
        default="1960-01-01",
    ),
    _instant("timestamptz_3", "timestamp(3) with time zone", "millis", 3),
    _instant("timestamptz", "timestamp with time zone", "micros", 6),
    Kind("uuid", "uuid", _logical("string", "uuid"), "uuid", st.uuids().map(str), default=str(literals.UUID)),
    Kind(
        "enum", "{schema}.mood", {"type": "enum", "name": "Mood", "symbols": list(literals.MOODS)}, "text",
        st.sampled_from(literals.MOODS), default="angry",
    ),
)  # fmt: skip


def array_of(kind: Kind) -> Kind:
    """The type of an array of that kind; elements may be null."""
    return Kind(
        f"{kind.name}_array", f"{kind.postgres}[]", {"type": "array", "items": ["null", kind.avro]}, kind.form,
        kind.plain.map(lambda literal: literals.array([literal])),
        {
            "array-dimensions": literals.nested_arrays(kind.plain),
            "array-bounds": literals.shifted(kind.plain),
            **{f"{name}-in-array": literals.arrays(found) for name, found in kind.hazards.items()},
        },
        in_key=False,
        element=kind,
    )  # fmt: skip


NOT_IN_ARRAYS: Final = ("enum", "xml")
"""Types of whose arrays no contract can be made, or the plan refuses it."""
ARRAYS: Final[tuple[Kind, ...]] = tuple(array_of(kind) for kind in SCALARS if kind.name not in NOT_IN_ARRAYS)
KINDS: Final[Mapping[str, Kind]] = {kind.name: kind for kind in (*SCALARS, *ARRAYS)}
