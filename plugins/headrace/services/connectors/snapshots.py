"""Track tables that were added to a running source connector until a snapshot has read their rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from headrace.contracts import names
from headrace.errors import SystemUnavailable
from headrace.planning.plan import Change
from headrace.services.connectors.signals import await_snapshot, request_snapshot
from headrace.services.connectors.watch import snapshot_done
from headrace.systems.connect.hook import ConnectHook
from headrace.systems.kafka.counter import Schemas
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.oltp.hook import OltpHook
from headrace.systems.platform.hook import PlatformHook

TABLES = "table.include.list"


def added_tables(change: Change) -> tuple[str, tuple[str, ...]]:
    """Return the source connection, and the tables that its connector does not capture yet.

    Return no tables for a new connector, which begins with a snapshot, and for one that captures no tables.
    """
    config = change.resource.spec["config"]
    if change.action != "update" or change.observed is None or TABLES not in config:
        return "", ()
    before = _tables(change.observed.spec["config"])
    return config["topic.prefix"], tuple(sorted(_tables(config) - before))


def require_whole(
    connect: ConnectHook, change: Change, *, timeout_s: float = 60.0, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Wait until the first snapshot of a source connector is done, since a changed configuration would restart it.

    Do not wait for a connector that does not run well: it takes no snapshot.

    Raises:
        SystemUnavailable: the snapshot still runs; nothing was changed.
    """
    name = change.resource.name
    if change.action != "update" or TABLES not in change.resource.spec["config"]:
        return
    deadline = time.monotonic() + timeout_s
    while (status := connect.status(name)) and status.settled("RUNNING") and not snapshot_done(connect.offsets(name)):
        if time.monotonic() > deadline:
            raise SystemUnavailable(
                "connect",
                name,
                "its first snapshot still runs, and a changed configuration would restart it. Nothing was changed: apply "
                "again when the snapshot is over (./headrace status).",
            )
        sleep(1.0)


def note_filled(
    platform: PlatformHook, sources: Mapping[str, OltpHook], connect: ConnectHook, changes: Iterable[Change]
) -> None:
    """Mark tables as due that got a column with a default: older rows have its value without a change event.

    Skip tables of a new connector, which has just read them.
    """
    new = {change.resource.name for change in changes if change.action == "create"}
    for connection, hook in sources.items():
        connector = names.source_connector(connection)
        config = connect.config(connector) or {}
        found = hook.filled_columns(_tables(config)) - platform.filled_columns(connection)
        if found and connector not in new:
            platform.add_due_snapshots(connection, sorted({table for table, _ in found}))
        platform.add_filled_columns(connection, sorted(found))


def take_due(
    platform: PlatformHook,
    kafka: KafkaHook,
    schemas: Schemas,
    sources: Mapping[str, OltpHook],
    connect: ConnectHook,
    log: Callable[[str], None],
    timeout_s: float = 180.0,
) -> None:
    """Request the snapshots that are due, and wait until they have begun.

    Raises:
        SystemUnavailable: a connector did not begin; its tables stay due.
        SystemFailure: a connector has failed; the message has the cause. Its tables stay due.
    """
    for connection, due in platform.due_snapshots().items():
        if connection not in sources:  # of a removed contract, or out of the plan's scope
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
        log(f"{names.source_connector(connection)}: requested a snapshot of {', '.join(tables)}")
        check = partial(connect.require_well, names.source_connector(connection))
        late = await_snapshot(kafka, schemas, connection, since, timeout_s, check=check)
        done = [table for table in tables if table not in late]
        platform.snapshots_taken(connection, done)
        if done:
            log(f"{names.source_connector(connection)}: reads {', '.join(done)}")
        if late:
            raise SystemUnavailable(
                "connect",
                names.source_connector(connection),
                f"no rows of {', '.join(late)} arrived within {timeout_s:.0f} s. They stay due: the "
                "next apply requests them again. Changes to them are captured meanwhile.",
            )


def _tables(config: Mapping[str, str]) -> set[str]:
    return {table.strip() for table in config.get(TABLES, "").split(",") if table.strip()}
