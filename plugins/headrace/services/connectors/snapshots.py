"""Tables added to a running source connector: remembered until their rows were read."""

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
    """The source connection, and the tables that its connector does not capture yet.

    None for a new connector, which begins with a snapshot, nor for one that captures no tables.
    """
    config = change.resource.spec["config"]
    if change.action != "update" or change.observed is None or TABLES not in config:
        return "", ()
    before = _tables(change.observed.spec["config"])
    return config["topic.prefix"], tuple(sorted(_tables(config) - before))


def require_whole(
    connect: ConnectHook, change: Change, *, timeout_s: float = 60.0, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Wait until a source connector that is to be changed has taken its first snapshot: a change would begin it anew.

    One that does not run well takes none.

    Raises:
        SystemUnavailable: it still reads; nothing was changed.
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
                "it takes its first snapshot, which a changed configuration would begin anew. Nothing was changed: apply "
                "again when the snapshot is over (./headrace status).",
            )
        sleep(1.0)


def note_filled(
    platform: PlatformHook, sources: Mapping[str, OltpHook], connect: ConnectHook, changes: Iterable[Change]
) -> None:
    """Make the tables due that got a column with a default: their older rows have its value, and no change said so.

    A connector that is new has read them just now.
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
    """Asks for the snapshots that are due, and waits until they have begun.

    Raises:
        SystemUnavailable: a connector did not begin; its tables stay due.
        SystemFailure: a connector has failed; says why. Its tables stay due.
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
                f"no rows of {', '.join(late)} came within {timeout_s:.0f} s. They stay due: the "
                "next apply asks again. Changes to them are captured meanwhile.",
            )


def _tables(config: Mapping[str, str]) -> set[str]:
    return {table.strip() for table in config.get(TABLES, "").split(",") if table.strip()}
