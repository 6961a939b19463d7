"""Build the desired Debezium source connectors, one per source connection.

All config values are text. Secrets are references that the Connect worker resolves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.errors import PlanRefused
from headrace.planning.resources import Resource
from headrace.planning.settings import PlanSettings, SourceDatabase
from headrace.planning.topics import (
    LARGEST_MESSAGE,
    LARGEST_RECORD,
    captured,
    datasets,
    grouped,
    signal_topic,
    source_dead_letter_topic,
)

CONNECTOR: Final = "headrace.connect.source.PostgresConnector"
"""Connector class: Debezium's connector plus Headrace's check of each change (include/stack/connect/source)."""
FAITHFUL: Final = "headrace.connect.source.Faithful"
"""Converter class for columns whose values Debezium loses."""
HEARTBEAT: Final = "headrace_heartbeat"
"""Prefix of the logical messages that a connector writes as heartbeats."""


def sources(contracts: Sequence[Contract], settings: PlanSettings) -> Iterator[Resource]:
    """Yield one Debezium source connector per source connection.

    Raises PlanRefused when a contract uses a connection that the settings do not have.
    """
    for connection, members in grouped(captured(contracts), lambda c: c.source.connection).items():
        database = settings.sources.get(connection)
        if database is None:
            known = ", ".join(sorted(settings.sources)) or "none"
            raise PlanRefused(
                f"{contract.path or contract.id}: the source connection {connection!r} is unknown "
                f"(known: {known}). Add the Airflow connection "
                f"{names.airflow_connection(connection)!r}, or name another one."
                for contract in members
            )
        config = _source(connection, members, database, settings)
        yield Resource("connector", names.source_connector(connection), {"config": config}, datasets(members))


def converters(settings: PlanSettings) -> dict[str, str]:
    """Return the converter config: Avro in Confluent's wire format, for key and value, from the registry."""
    common = {
        "": "io.apicurio.registry.utils.converter.AvroConverter",
        ".apicurio.registry.url": f"{settings.registry_url.rstrip('/')}/apis/registry/v2",
        ".apicurio.registry.auto-register": "true",
        ".apicurio.registry.id-handler": "io.apicurio.registry.serde.Legacy4ByteIdHandler",
        ".apicurio.registry.use-id": "contentId",
        ".apicurio.registry.headers.enabled": "false",
        # A content id's schema never changes. With the default of 30 s, a short outage of the registry would turn good
        # records into dead letters.
        ".apicurio.registry.check-period-ms": str(24 * 60 * 60 * 1000),
        ".apicurio.registry.fault-tolerant-refresh": "true",
        ".apicurio.registry.schema-resolver": "headrace.connect.LastSchemaResolver",  # include/stack/connect
    }
    if settings.registry_user:
        common |= {
            ".apicurio.auth.username": settings.registry_user,
            ".apicurio.auth.password": settings.registry_password_ref,
        }
    return {f"{part}.converter{k}": v for part in ("key", "value") for k, v in common.items()}


def _source(
    connection: str, members: Sequence[Contract], database: SourceDatabase, settings: PlanSettings
) -> dict[str, str]:
    return {
        "connector.class": CONNECTOR,
        "tasks.max": "1",
        **_database(database),
        **_capture(connection, members),
        **_values(),
        **_gate(connection),
        **_delivery(settings),
        **_heartbeat(settings),
        **_signals(connection, settings),
        **_producer(settings),
        **converters(settings),
        **settings.source_config,
    }


def _database(database: SourceDatabase) -> dict[str, str]:
    return {
        "database.hostname": database.host,
        "database.port": str(database.port),
        "database.user": database.user,
        "database.password": database.password_ref,
        "database.dbname": database.database,
    }


def _capture(connection: str, members: Sequence[Contract]) -> dict[str, str]:
    return {
        "topic.prefix": connection,
        "plugin.name": "pgoutput",
        "slot.name": names.replication_slot(connection),
        "publication.name": names.publication(connection),
        "publication.autocreate.mode": "disabled",
        "table.include.list": ",".join(sorted({c.source.table or "" for c in members})),
        "snapshot.mode": "initial",
    }


def _values() -> dict[str, str]:
    return {
        "decimal.handling.mode": "precise",
        "time.precision.mode": "adaptive",
        "tombstones.on.delete": "true",
        "extended.headers.enabled": "false",  # three headers that nobody reads, for every change
    }


def _gate(connection: str) -> dict[str, str]:
    """Return the dead-letter config for changes that cannot be carried.

    Neither Debezium nor an exactly-once producer can skip a record.
    """
    return {
        "converters": "faithful",
        "faithful.type": FAITHFUL,
        "skipped.operations": "none",
        "headrace.dead.letter.topic": source_dead_letter_topic(connection),
        "headrace.largest.record.bytes": str(LARGEST_RECORD),
    }


def _delivery(settings: PlanSettings) -> dict[str, str]:
    return {
        "exactly.once.support": "required",
        "transaction.boundary": "poll",
        "poll.interval.ms": str(settings.poll_interval_ms),
        "max.batch.size": str(settings.max_batch_size),
        "max.queue.size": str(settings.max_queue_size),
        "max.queue.size.in.bytes": str(settings.max_queue_bytes),
        "snapshot.fetch.size": str(settings.snapshot_fetch_size),
        "topic.creation.default.replication.factor": str(settings.replication_factor),
        "topic.creation.default.partitions": "1",
    }


def _heartbeat(settings: PlanSettings) -> dict[str, str]:
    """Return the heartbeat config. With it, an idle source confirms the log of its cluster's other databases.

    `lsn.flush.mode=connector_and_driver` is not used: the driver then confirms positions that no stored offset has
    reached, and the connector does not start again (see docs/adr/0009-an-idle-source-writes-heartbeats.md).
    """
    return {
        "heartbeat.interval.ms": str(settings.heartbeat_interval_ms),
        "heartbeat.action.query": f"SELECT pg_logical_emit_message(true, '{HEARTBEAT}', '')",
        "message.prefix.exclude.list": HEARTBEAT,
    }


def _signals(connection: str, settings: PlanSettings) -> dict[str, str]:
    return {
        "signal.enabled.channels": "kafka",
        "signal.kafka.topic": signal_topic(connection),
        "signal.kafka.bootstrap.servers": settings.kafka_bootstrap,
        # Debezium's default is one group for all connectors: each would wait for the others to rejoin it.
        "signal.kafka.groupId": signal_topic(connection),
        "signal.poll.interval.ms": "500",
        **{f"signal.consumer.{name}": value for name, value in settings.kafka_login.items()},
    }


def _producer(settings: PlanSettings) -> Mapping[str, str]:
    return {
        "producer.override.compression.type": settings.producer_compression,
        "producer.override.linger.ms": str(settings.producer_linger_ms),
        "producer.override.batch.size": str(settings.producer_batch_size),
        "producer.override.max.request.size": str(LARGEST_MESSAGE),
        "producer.override.buffer.memory": str(2 * LARGEST_MESSAGE),
    }
