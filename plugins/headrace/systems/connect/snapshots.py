"""Tables added to a running source connector: remembered until their rows were read."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from headrace.contracts import names
from headrace.errors import SystemUnavailable
from headrace.planning.plan import Change
from headrace.systems.connect.signals import await_snapshot, request_snapshot
from headrace.systems.kafka.counter import Schemas
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.oltp.hook import OltpHook
from headrace.systems.platform.hook import PlatformHook

TABLES = "table.include.list"


def added_tables(change: Change) -> tuple[str, tuple[str, ...]]:
    """The source connection, and the tables that its connector does not capture yet.

    None for a new connector, which begins with a snapshot, nor for one that captures no tables.
    """
    config = change.resource.spec["config"]
    if change.action != "update" or change.observed is None or TABLES not in config:
        return "", ()
    before = _tables(change.observed.spec["config"])
    return config["topic.prefix"], tuple(sorted(_tables(config) - before))


def take_due(
    platform: PlatformHook,
    kafka: KafkaHook,
    schemas: Schemas,
    sources: Mapping[str, OltpHook],
    log: Callable[[str], None],
    timeout_s: float = 180.0,
) -> None:
    """Asks for the snapshots that are due, and waits until they have begun.

    Raises:
        SystemUnavailable: a connector did not begin; its tables stay due.
    """
    for connection, due in platform.due_snapshots().items():
        if connection not in sources:  # of a contract that is gone, or out of this plan's scope
            continue
        rows = sources[connection].row_counts(due)
        platform.snapshots_taken(connection, [table for table in due if not rows[table]])
        tables = tuple(table for table in due if rows[table])
        if not tables:
            continue
        since: Mapping[str, Mapping[int, int]] = {
            table: kafka.end_offsets(names.cdc_topic(connection, table)) for table in tables
        }
        request_snapshot(kafka, connection, tables)
        log(f"{names.source_connector(connection)}: asked to read {', '.join(tables)}")
        late = await_snapshot(kafka, schemas, connection, since, timeout_s)
        done = [table for table in tables if table not in late]
        platform.snapshots_taken(connection, done)
        if done:
            log(f"{names.source_connector(connection)}: reads {', '.join(done)}")
        if late:
            raise SystemUnavailable(
                "connect",
                names.source_connector(connection),
                f"no rows of {', '.join(late)} came within {timeout_s:.0f} s. They stay due: the "
                "next apply asks again. Changes to them are captured meanwhile.",
            )


def _tables(config: Mapping[str, str]) -> set[str]:
    return {table.strip() for table in config.get(TABLES, "").split(",") if table.strip()}
