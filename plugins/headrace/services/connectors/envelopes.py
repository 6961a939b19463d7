"""Build Debezium delete events for rows that were deleted while no connector captured their table.

An existing record of the same topic is the template. No input or output.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from headrace.contracts.targets.debezium import row_schema
from headrace.systems.kafka.avro_blocks import unwrap, wrap
from headrace.systems.kafka.counter import Schemas

RECOVERY: Final = "headrace.recovery"
"""Origin of the delete events that are written when a lost replication slot is recovered."""

EPOCH: Final = dt.date(1970, 1, 1)


class Record(NamedTuple):
    """Key and value of a Kafka record, in the registry's wire format (a zero byte, the schema's id, the Avro body)."""

    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Template:
    """Schemas and field `source` of a change event, from which delete events are built."""

    key_id: int
    key_schema: Any
    value_id: int
    value_schema: Any
    source: Mapping[str, Any]

    @classmethod
    def of(cls, key: bytes, value: bytes, schemas: Schemas) -> Template:
        """Return the template from a record in the wire format. Raises ValueError for any other record."""
        import fastavro

        key_parts, parts = unwrap(key), unwrap(value)
        if key_parts is None or parts is None:
            raise ValueError("the record is not in the registry's wire format")
        schema = schemas(parts.schema_id)
        body = io.BytesIO(parts.body)
        envelope: Any = fastavro.schemaless_reader(body, _parsed(schema), None)
        key_id = key_parts.schema_id
        return cls(key_id, schemas(key_id), parts.schema_id, schema, envelope["source"])


def delete_event(template: Template, key: Sequence[str], row: Mapping[str, Any], at: float, first: int) -> Record:
    """Return a delete event for `row` (Python values by column), with the event time `at` (Unix seconds).

    The event's `source.origin` is `RECOVERY`. Its `source.origin_lsn` is no LSN, but `first`: the Kafka offset of the
    first record of the snapshot after a lost slot. A row count that starts at that snapshot ignores the event, because it
    never included the row. Columns of `row` that the template's schema lacks are omitted. Columns of the schema that `row`
    lacks are null.
    """
    before = row_schema(template.value_schema)
    envelope = {
        "before": _encoded(before, row),
        "after": None,
        "source": {
            **template.source,
            "snapshot": "false",
            "ts_ms": int(at * 1e3),
            "ts_us": int(at * 1e6),
            "ts_ns": int(at * 1e6) * 1000,
            "txId": None,
            "origin": RECOVERY,
            "origin_lsn": first,
        },
        "transaction": None,
        "op": "d",
        "ts_ms": int(at * 1e3),
        "ts_us": int(at * 1e6),
        "ts_ns": int(at * 1e6) * 1000,
    }
    keys = _encoded(template.key_schema, {name: row[name] for name in key})
    return Record(
        wrap(template.key_id, _written(template.key_schema, keys)),
        wrap(template.value_id, _written(template.value_schema, envelope)),
    )


def _encoded(record: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    return {f["name"]: _value(f["type"], row.get(f["name"])) for f in record["fields"]}


def _value(schema: Any, value: Any) -> Any:
    """Return a Python value as the Avro value of a column."""
    if value is None:
        return None
    if isinstance(schema, list):
        return _value(next(branch for branch in schema if branch != "null"), value)
    if not isinstance(schema, Mapping):
        return value
    if schema["type"] == "array":
        return [_value(schema["items"], element) for element in value]
    write = WRITERS.get(str(schema.get("connect.name")))
    return write(value) if write else value


def _zoned(value: dt.datetime) -> str:
    instant = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
    return instant.astimezone(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


WRITERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "io.debezium.time.ZonedTimestamp": _zoned,
    "io.debezium.time.Date": lambda value: (value - EPOCH).days,
    "io.debezium.data.Uuid": str,
}
"""Kafka Connect's name of a logical type → function that writes it as Debezium does; other types stay as they are."""


def _written(schema: Any, value: Any) -> bytes:
    import fastavro

    out = io.BytesIO()
    fastavro.schemaless_writer(out, _parsed(schema), value)
    return out.getvalue()


def _parsed(schema: Any) -> Any:
    import fastavro

    # parse_schema modifies its argument, which is shared.
    return fastavro.parse_schema(dict(schema), _write_hint=False)
