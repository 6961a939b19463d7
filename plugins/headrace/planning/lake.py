"""Build the desired lake tables of the raw zone and of the platform's own datasets; `refined` has the other zones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.contracts.targets import iceberg
from headrace.contracts.types import MAX_FIELD_ID
from headrace.planning.resources import Resource
from headrace.planning.rules import TOPIC_PROPERTY

DATASET_PROPERTY: Final = "headrace.dataset"

Column = tuple[str, str, str]
"""Name, Iceberg type, doc."""

POSITION_COLUMNS: Final[tuple[Column, ...]] = (
    ("_committed_at", "timestamptz", "When the source committed the row, or the record was made."),
    ("_topic", "string", "Kafka topic of the record."),
    ("_kafka_partition", "int", "Kafka partition of the record."),
    ("_offset", "long", "Kafka offset of the record: the order of changes to one key."),
)
CHANGE_COLUMNS: Final[tuple[Column, ...]] = (
    ("_op", "string", "c create, u update, d delete, r read by a snapshot."),
    ("_lsn", "long", "Position in the source's log; for information, offsets give the order."),
)

PROPERTIES: Final[Mapping[str, str]] = {
    "format-version": "2",
    "write.format.default": "parquet",
    "write.parquet.compression-codec": "zstd",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "100",
    "commit.retry.num-retries": "20",
    "commit.retry.max-wait-ms": "2000",
}
"""Table properties. Many writers commit to one table; without many retries some commits would fail."""


def raw_tables(contract: Contract) -> Iterator[Resource]:
    """Yield the raw table of a dataset, if it has one.

    Every column is optional, so that all source records land. They are checked on the way to `cleaned`.
    """
    if "raw" not in contract.zones:
        return
    columns = [iceberg.column(f, all_optional=True) for f in contract.record.fields]
    spec = {
        "columns": columns + added((*change_columns(contract), *POSITION_COLUMNS)),
        "partition": ["day(_committed_at)"],
        "properties": {
            **PROPERTIES,
            DATASET_PROPERTY: contract.id,
            **({TOPIC_PROPERTY: names.topic(contract)} if contract.streamed else {}),
        },
    }
    yield Resource("lake_table", names.raw_table(contract), spec, (contract.id,))


def platform_tables(contract: Contract) -> Iterator[Resource]:
    """Yield the tables of a dataset that the platform writes, with monthly partitions by event time."""
    for zone in contract.zones:
        spec = {
            "columns": [iceberg.column(field) for field in contract.record.fields],
            "partition": [f"month({contract.event_time})"] if contract.event_time else [],
            "properties": {**PROPERTIES, DATASET_PROPERTY: contract.id},
        }
        yield Resource("lake_table", names.lake_table(contract, zone), spec, (contract.id,))


def change_columns(contract: Contract) -> tuple[Column, ...]:
    """Return the extra columns of a CDC change."""
    return CHANGE_COLUMNS if contract.captured else ()


def added(columns: Iterable[Column]) -> list[dict[str, Any]]:
    """Return columns that no contract declares, all optional, with ids above the maximum of a contract."""
    return [
        {"id": MAX_FIELD_ID + place, "name": name, "required": False, "type": type_, "doc": doc}
        for place, (name, type_, doc) in enumerate(columns, start=1)
    ]
