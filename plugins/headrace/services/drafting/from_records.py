"""Draft a contract of an event dataset from sample records, as JSON gives them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final

from headrace.contracts.avro_faults import FIELD_NAME
from headrace.contracts.contract import Source
from headrace.contracts.types import MISSING, SCALARS, Array, AvroType, Date, Field, Primitive, Record, Timestamp, Uuid
from headrace.services.drafting.draft import NOT_A_NAME, Draft, record_name, render, undescribed

TEXTS: Final[tuple[tuple[re.Pattern[str], AvroType], ...]] = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:?\d\d)"), Timestamp("micros")),
    (re.compile(r"\d{4}-\d\d-\d\d"), Date()),
    (re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"), Uuid()),
)
"""Pattern that every text of a field matches → its type; else it is a string."""


def from_records(dataset: str, records: Sequence[Mapping[str, Any]], key: Sequence[str], team: str) -> Draft:
    """Return the draft of a dataset of events that look like these.

    A field that is null or missing in one of them is nullable. Raises ValueError when there is no record, or when a field of
    the key is missing, null or no scalar.
    """
    if not records:
        raise ValueError("the sample has no record")
    left_out: dict[str, str] = {}
    doc = f"Events of {dataset}."
    found = _record(record_name(dataset), dataset.partition(".")[0], doc, records, count(1), "", left_out)
    for name in key:
        field = found.get(name)
        if field is None or field.nullable or not isinstance(field.type, SCALARS):
            raise ValueError(
                f"the key field {name!r} must be a scalar that every sample record has: choose another --key"
            )
    return render(dataset, found, key, Source("ingest", changes="append"), team, left_out)


def _record(
    name: str,
    namespace: str,
    doc: str,
    records: Sequence[Mapping[str, Any]],
    ids: Iterator[int],
    path: str,
    left_out: dict[str, str],
) -> Record:
    fields = []
    for key in dict.fromkeys(key for record in records for key in record):
        place = f"{path}{key}"
        values = [record.get(key) for record in records]
        known = [value for value in values if value is not None]
        if not FIELD_NAME.fullmatch(key):
            left_out[place] = NOT_A_NAME
        elif not known:
            left_out[place] = "it is null in every record of the sample"
        else:
            own, nullable = next(ids), len(known) < len(values)
            found = _type(record_name(f".{name}_{key}"), known, ids, f"{place}.", left_out)
            if isinstance(found, str):
                left_out[place] = found
            elif nullable and not isinstance(found, SCALARS):
                left_out[place] = "it is null or missing in a record, and ClickHouse has no nullable list or object"
            else:
                fields.append(Field(key, own, found, nullable, undescribed(place), None if nullable else MISSING))
    return Record(name, namespace, doc, tuple(fields))


def _type(name: str, values: Sequence[Any], ids: Iterator[int], path: str, left_out: dict[str, str]) -> AvroType | str:
    """Return the one type of these values, or why there is none."""
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return Primitive("boolean")
    if kinds == {int}:
        return Primitive("long")
    if kinds <= {int, float}:
        return Primitive("double")
    if kinds == {str}:
        return next((found for pattern, found in TEXTS if all(map(pattern.fullmatch, values))), Primitive("string"))
    if kinds == {dict}:
        return _record(name, "", undescribed(path.removesuffix(".")), values, ids, path, left_out)
    if kinds == {list}:
        elements = [element for value in values for element in value]
        known = [element for element in elements if element is not None]
        if not known:
            return "its lists are empty in every record of the sample"
        own = next(ids)
        element = _type(name, known, ids, path, left_out)
        return element if isinstance(element, str) else Array(element, own, len(known) < len(elements))
    return f"its values have several types: {', '.join(sorted(kind.__name__ for kind in kinds))}"
