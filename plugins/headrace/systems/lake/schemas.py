"""Conversion between a lake table's declared spec and pyiceberg's objects. Keeps field ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from headrace.planning.widening import widens

if TYPE_CHECKING:
    from pyiceberg.partitioning import PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.types import NestedField

TRANSFORM: Final = re.compile(r"(?:(\w+)\((?:(\d+),\s*)?(\w+)\)|(\w+))")
FIRST_PARTITION_ID: Final = 1000


def schema(columns: Iterable[Mapping[str, Any]]) -> Schema:
    """Return the schema of declared columns, with their ids."""
    from pyiceberg.schema import Schema

    return Schema(*(field(column) for column in columns))


def field(column: Mapping[str, Any]) -> NestedField:
    """Return the field of one declared column: id, name, required, type in Iceberg's JSON form, doc."""
    from pyiceberg.types import NestedField

    return NestedField.model_validate({**column, "doc": column.get("doc") or None})


def columns(table_schema: Schema) -> list[dict[str, Any]]:
    """Return the columns of a schema in the form of the spec; the inverse of `schema`."""
    return [
        {
            "id": found["id"],
            "name": found["name"],
            "required": found["required"],
            "type": found["type"],
            "doc": found.get("doc") or "",
        }
        for found in table_schema.model_dump(mode="json", by_alias=True)["fields"]
    ]


def partition_spec(transforms: Sequence[str], table_schema: Schema) -> PartitionSpec:
    """Return the partition spec of transforms such as `day(_committed_at)`, `bucket(16, id)` or a column name.

    Raises:
        ValueError: a transform cannot be parsed, or its column does not exist.
    """
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.transforms import UnknownTransform, parse_transform

    fields = []
    for place, text in enumerate(transforms):
        match = TRANSFORM.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a partition transform")
        name, argument, inner, bare = match.groups()
        transform = parse_transform(f"{name}[{argument}]" if argument else name or "identity")
        if isinstance(transform, UnknownTransform):
            raise ValueError(f"{text!r} is not a partition transform")
        column = inner or bare
        fields.append(
            PartitionField(
                source_id=table_schema.find_field(column).field_id,
                field_id=FIRST_PARTITION_ID + place,
                transform=transform,
                name=f"{column}_{name}" if name else column,
            )
        )
    return PartitionSpec(*fields)


def partition(spec: PartitionSpec, table_schema: Schema) -> list[str]:
    """Return the transforms of a partition spec; the inverse of `partition_spec`."""
    transforms = []
    for part in spec.fields:
        column = table_schema.find_column_name(part.source_id)
        name, _, argument = str(part.transform).rstrip("]").partition("[")
        if name == "void":
            continue
        inner = f"{argument}, {column}" if argument else str(column)
        transforms.append(str(column) if name == "identity" else f"{name}({inner})")
    return transforms


def evolved(current: Schema, wanted: Iterable[Mapping[str, Any]]) -> Schema:
    """Return the current schema with the wanted columns added, widened, made optional and described.

    A column keeps its id. A new one gets its declared id, or the next free ids if the table
    uses that id for another column. Other columns stay.

    Raises:
        ValueError: a change would alter stored values.
    """
    from pyiceberg.schema import Schema

    declared = {column["name"]: column for column in wanted}
    kept = [_kept(found, declared.get(found.name)) for found in current.fields]
    there = {found.name for found in current.fields}
    used = set(current.field_ids)
    added = []
    for column in (c for name, c in declared.items() if name not in there):
        new = field(column)
        ids = set(Schema(new).field_ids)
        if ids & used:
            new = _renumbered(new, max(used) + 1)
            ids = set(Schema(new).field_ids)
        used |= ids
        added.append(new)
    return Schema(*kept, *added, identifier_field_ids=current.identifier_field_ids)


def _kept(found: NestedField, column: Mapping[str, Any] | None) -> NestedField:
    from pyiceberg.types import NestedField

    if column is None:
        return found
    wanted = field(column)
    if wanted.required and not found.required:
        raise ValueError(f'column "{found.name}" is optional; it cannot become required')
    type_ = found.field_type
    if type_.is_primitive and type_ != wanted.field_type:
        if not widens(str(type_), str(wanted.field_type)):
            raise ValueError(f'column "{found.name}" is {type_}; it cannot become {wanted.field_type}')
        type_ = wanted.field_type
    return NestedField(found.field_id, found.name, type_, wanted.required, doc=wanted.doc)


def _renumbered(new: NestedField, start: int) -> NestedField:
    import itertools

    from pyiceberg.schema import Schema, assign_fresh_schema_ids

    numbers = itertools.count(start)
    return assign_fresh_schema_ids(Schema(new), lambda: next(numbers)).fields[0]
