"""Build the desired Iceberg sink connectors, one per domain with a raw zone.

A change arrives in Debezium's envelope and lands flat, with its position: `unwrap` flattens it, `writable` refuses
records that cannot be written, and `position` adds topic, partition and offset. A record of a producer is already flat:
`records` converts what the sink would change, and `stamp` sets its time in Kafka as `_committed_at`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.contracts.targets import iceberg
from headrace.contracts.types import Array, AvroType, Map, Record, Time, Timestamp, Uuid
from headrace.planning.lake import raw_tables
from headrace.planning.resources import Resource
from headrace.planning.settings import Catalog, PlanSettings
from headrace.planning.sources import converters
from headrace.planning.topics import LARGEST_MESSAGE, captured, datasets, grouped, landed, sink_dead_letter_topic

_UNWRAP: Final[Mapping[str, str]] = {
    "transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState",
    "transforms.unwrap.add.fields": "op,source.lsn:lsn,source.ts_ms:committed_at",
    "transforms.unwrap.add.fields.prefix": "_",
    "transforms.unwrap.delete.tombstone.handling.mode": "rewrite",
}
_STAMP: Final[Mapping[str, str]] = {
    "transforms.stamp.type": "org.apache.kafka.connect.transforms.InsertField$Value",
    "transforms.stamp.timestamp.field": "_committed_at",
}
RECORDS: Final = "headrace.connect.sink.Records"
"""Transform class that converts times of producers' records, which the sink would read as milliseconds."""
WRITABLE: Final = "headrace.connect.sink.Writable"
"""Transform class that refuses records which would fail the sink's task (include/stack/connect/sink)."""
NUMBERS: Final = ("boolean", "int", "long", "float", "double", "decimal")
"""Iceberg types whose numbers the sink would truncate silently."""
COLUMNS: Final = "headrace.columns"
"""Configuration key: a digest of the columns of the raw tables that the sink writes.

The sink's open writers keep a table's columns until the next commit and omit the values of newer columns. When the
digest changes, Connect restarts the sink's tasks from the last commit, with the current columns.
"""
COORDINATOR: Final = "coordinator"
"""Static member id of the sink's control topic consumers. With it, a new coordinator replaces the old one at once.

A coordinator that is stopped during a commit leaves a consumer in the group until its poll timeout, five minutes.
Nothing lands during that time.
"""
_POSITION: Final[Mapping[str, str]] = {
    "transforms.position.type": "org.apache.kafka.connect.transforms.InsertField$Value",
    "transforms.position.topic.field": "_topic",
    "transforms.position.partition.field": "_kafka_partition",
    "transforms.position.offset.field": "_offset",
}


def sinks(contracts: Sequence[Contract], settings: PlanSettings) -> Iterator[Resource]:
    """Yield one Iceberg sink connector per domain that has a raw zone."""
    for domain, members in grouped(landed(contracts), lambda c: c.domain).items():
        config = _sink(domain, members, settings)
        yield Resource("connector", names.sink_connector(domain), {"config": config}, datasets(members))


def _sink(domain: str, members: Sequence[Contract], settings: PlanSettings) -> dict[str, str]:
    return {
        "connector.class": "org.apache.iceberg.connect.IcebergSinkConnector",
        "tasks.max": str(settings.sink_tasks),
        "topics": ",".join(sorted(names.topic(c) for c in members)),
        **_transforms(members),
        **_routing(members),
        COLUMNS: _columns(members),
        "iceberg.tables.auto-create-enabled": "false",
        "iceberg.tables.evolve-schema-enabled": "false",
        "iceberg.control.topic": names.SINK_CONTROL_TOPIC,
        "iceberg.kafka.group.instance.id": COORDINATOR,
        **{f"iceberg.kafka.{name}": value for name, value in settings.kafka_login.items()},
        "iceberg.control.commit.interval-ms": str(settings.sink_commit_interval_ms),
        "iceberg.control.commit.timeout-ms": str(settings.sink_commit_timeout_ms),
        "iceberg.catalog": names.LAKE_CATALOG,
        **_under("iceberg.catalog.", _catalog(settings.catalog)),
        **_errors(domain, settings),
        "consumer.override.isolation.level": "read_committed",
        "consumer.override.auto.offset.reset": "earliest",
        **converters(settings),
        **settings.sink_config,
    }


def without(config: Mapping[str, str], contract: Contract) -> dict[str, str] | None:
    """Return a sink's configuration without one dataset; None when the sink lands no other.

    When the dataset is added again, the sink continues at its last committed offset.
    """
    topic, table = names.topic(contract), names.raw_table(contract)
    topics = [each for each in config["topics"].split(",") if each != topic]
    if not topics:
        return None
    found = {key: value for key, value in config.items() if key != _route(table)}
    tables = [each for each in config["iceberg.tables"].split(",") if each != table]
    return {**found, "topics": ",".join(topics), "iceberg.tables": ",".join(tables)}


def _transforms(members: Sequence[Contract]) -> dict[str, str]:
    changes = captured(members)
    records = [contract for contract in members if contract not in changes]
    if not records:
        return {"transforms": "unwrap,writable,position", **_UNWRAP, **_writable(members), **_POSITION}
    if not changes:
        return {
            "transforms": "records,stamp,writable,position",
            **_records(records),
            **_STAMP,
            **_writable(members),
            **_POSITION,
        }
    return {
        "transforms": "unwrap,records,stamp,writable,position",
        **_UNWRAP,
        "transforms.unwrap.predicate": "changes",
        **_records(records),
        "transforms.records.predicate": "changes",
        "transforms.records.negate": "true",
        **_STAMP,
        "transforms.stamp.predicate": "changes",
        "transforms.stamp.negate": "true",
        **_writable(members),
        **_POSITION,
        "predicates": "changes",
        "predicates.changes.type": ("org.apache.kafka.connect.transforms.predicates.TopicNameMatches"),
        "predicates.changes.pattern": _matching(names.topic(c) for c in changes),
    }


def _routing(members: Sequence[Contract]) -> dict[str, str]:
    routes = {names.raw_table(c): _matching([names.topic(c)]) for c in members}
    return {
        "iceberg.tables": ",".join(sorted(routes)),
        "iceberg.tables.route-field": "_topic",
        **{_route(table): regex for table, regex in sorted(routes.items())},
    }


def _route(table: str) -> str:
    return f"iceberg.table.{table}.route-regex"


def _records(members: Sequence[Contract]) -> dict[str, str]:
    """Return the config of the values to convert, by their path, as `topic|at:instant|lines[].id:uuid;topic|…`."""
    columns = ["|".join([names.topic(c), *_converted(c.record, "")]) for c in sorted(members, key=names.topic)]
    return {"transforms.records.type": RECORDS, "transforms.records.columns": ";".join(columns)}


def _converted(record: Record, prefix: str) -> Iterator[str]:
    for field in record.fields:
        yield from _converted_inside(field.type, f"{prefix}{field.name}")


def _converted_inside(avro_type: AvroType, path: str) -> Iterator[str]:
    match avro_type:
        case Timestamp():
            yield f"{path}:instant"
        case Time():
            yield f"{path}:time"
        case Uuid():
            yield f"{path}:uuid"
        case Array(element):
            yield from _converted_inside(element, f"{path}[]")
        case Map(value):
            yield from _converted_inside(value, f"{path}{{}}")
        case Record():
            yield from _converted(avro_type, f"{path}.")


def _writable(members: Sequence[Contract]) -> dict[str, str]:
    """Return the config of the number columns that the sink may write, as `topic|name:type|…;topic|…`."""
    columns = ["|".join([names.topic(c), *_numbers(c)]) for c in sorted(members, key=names.topic)]
    return {"transforms.writable.type": WRITABLE, "transforms.writable.columns": ";".join(columns)}


def _numbers(contract: Contract) -> Iterator[str]:
    for field in contract.record.fields:
        column_type = iceberg.column(field, all_optional=True)["type"]
        if isinstance(column_type, str) and column_type.partition("(")[0] in NUMBERS:
            yield f"{field.name}:{column_type}"


def _columns(members: Sequence[Contract]) -> str:
    tables = sorted((table.name, table.spec["columns"]) for contract in members for table in raw_tables(contract))
    columns = [(name, [(column["name"], column["type"]) for column in columns]) for name, columns in tables]
    return hashlib.sha256(repr(columns).encode()).hexdigest()[:16]


def _matching(topics: Iterable[str]) -> str:
    """Return a regular expression that matches exactly these topics."""
    return "|".join(re.escape(topic) for topic in sorted(topics))


def _catalog(catalog: Catalog) -> dict[str, str]:
    return {
        "type": catalog.kind,
        "uri": catalog.uri,
        "warehouse": catalog.warehouse,
        **(_rest(catalog) if catalog.kind == "rest" else _jdbc(catalog)),
        "io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        "s3.endpoint": catalog.s3_endpoint,
        "s3.path-style-access": "true",
        "s3.access-key-id": catalog.s3_access_key_ref,
        "s3.secret-access-key": catalog.s3_secret_key_ref,
        "client.region": catalog.s3_region,
    }


def _rest(catalog: Catalog) -> dict[str, str]:
    if not catalog.credential_ref:
        return {}
    tokens = catalog.oauth2_uri or f"{catalog.uri.rstrip('/')}/v1/oauth/tokens"
    return {"credential": catalog.credential_ref, "oauth2-server-uri": tokens}


def _jdbc(catalog: Catalog) -> dict[str, str]:
    return {
        "jdbc.user": catalog.user,
        "jdbc.password": catalog.password_ref,
        "jdbc.schema-version": "V1",
    }


def _errors(domain: str, settings: PlanSettings) -> dict[str, str]:
    return {
        "errors.tolerance": "all",
        "errors.log.enable": "true",
        "errors.deadletterqueue.topic.name": sink_dead_letter_topic(domain),
        "errors.deadletterqueue.topic.replication.factor": str(settings.replication_factor),
        "errors.deadletterqueue.context.headers.enable": "true",
        "producer.override.max.request.size": str(LARGEST_MESSAGE),
    }


def _under(prefix: str, values: Mapping[str, str]) -> dict[str, str]:
    return {f"{prefix}{key}": value for key, value in values.items()}
