"""Measure the rows and changes of every hop. Kafka and the lake are counted from the last count on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeAlias

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.errors import SystemFailure, SystemRefused
from headrace.planning.topics import captured
from headrace.services.connectors.reconcile import connectors_of
from headrace.services.dead_letters.ledger import DeadLetterLedger, Statistics
from headrace.services.status.calls import Round, begin
from headrace.services.status.reasons import Known, explained
from headrace.services.status.table import Hop, Hops, absent, unavailable, with_dead_letters
from headrace.systems.bundle import Systems
from headrace.systems.connect.status import ConnectorStatus
from headrace.systems.kafka import counter as kafka_counter
from headrace.systems.kafka.counting import TopicCount
from headrace.systems.lake import counter as lake_counter
from headrace.systems.oltp.hook import OltpHook
from headrace.systems.platform.alerts import Alert
from headrace.systems.spark.store import Pulse, StreamStore
from headrace.systems.warehouse.hook import Freshness

SERVING: Final = "cdc"
"""Query of the stream that fills state and history; records that other queries refuse are missing in no hop."""

Count: TypeAlias = Callable[[Systems, Contract], Hop]


def measure(systems: Systems, contracts: Sequence[Contract]) -> tuple[Hops, ...]:
    """Return the hop table, with the reason of each cell that is empty or behind. A failure affects only its own cells.

    The hops are measured concurrently; while rows flow they may differ by the rows that moved meanwhile.
    """
    chosen = captured(contracts)
    moving = begin(lambda: known_states(systems, chosen))
    return explained(chosen, count_hops(systems, chosen), moving.result())


def count_hops(systems: Systems, contracts: Sequence[Contract]) -> tuple[Hops, ...]:
    """Return the hop table of captured datasets, without reasons."""
    source = begin(lambda: _source(systems, contracts))
    hops = [begin(partial(column, count, systems, contracts)) for count in (_kafka, _raw, in_warehouse)]
    fresh = begin(lambda: freshness(systems, contracts))
    refused = begin(lambda: dead_letters(systems))
    columns = [source.result(), *(hop.result() for hop in hops)]
    for hop, cells in zip(("source", "kafka", "raw", "warehouse"), columns, strict=True):
        for dataset in cells:
            cells[dataset] = with_dead_letters(cells[dataset], refused.result().get((hop, dataset)))
    recent = fresh.result()
    return tuple(
        Hops(c.id, *(cells[c.id] for cells in columns), *(recent[c.id] or (None, None))[:2])  # type: ignore[arg-type]
        for c in contracts
    )


def known_states(systems: Systems, contracts: Sequence[Contract]) -> Known:
    """Return the states of connectors and streams, and the open alerts; what is unavailable is reported."""
    connectors: dict[str, ConnectorStatus | None] = {}
    pulses: dict[str, Sequence[Pulse]] = {}
    alerts: dict[str, Alert] = {}
    connect_error = platform_error = ""
    try:
        connectors = {name: systems.connect.status(name) for name in connectors_of(contracts)}
    except SystemFailure as failure:
        connect_error = str(failure)
    try:
        store = StreamStore(systems.platform)
        pulses = {group: store.pulses(group) for group in {contract.stream_group for contract in contracts}}
        alerts = {alert.key: alert for alert in systems.platform.open_alerts()}
    except SystemFailure as failure:
        platform_error = str(failure)
    return Known(datetime.now(UTC), connectors, connect_error, pulses, alerts, platform_error=platform_error)


def column(count: Count, systems: Systems, contracts: Sequence[Contract]) -> dict[str, Hop]:
    """Return, by dataset, what `count` returns for it; a failure affects only its own cell."""
    calls = Round()
    return {contract.id: _hop(calls, partial(count, systems, contract)) for contract in contracts}


def _hop(calls: Round, count: Callable[[], Hop]) -> Hop:
    try:
        return calls.run(count)
    except SystemFailure as failure:
        return unavailable(failure)


def _source(systems: Systems, contracts: Sequence[Contract]) -> dict[str, Hop]:
    hops: dict[str, Hop] = {}
    for connection, oltp in systems.sources.items():
        tables = {c.id: c.source.table or "" for c in contracts if c.source.connection == connection}
        try:
            counts = oltp.row_counts(tables.values())
        except SystemRefused:  # one table is missing or not readable: count each alone to find it
            hops |= {dataset: _table(oltp, table) for dataset, table in tables.items()}
        except SystemFailure as failure:
            hops |= dict.fromkeys(tables, unavailable(failure))
        else:
            hops |= {dataset: Hop(rows=counts[table]) for dataset, table in tables.items()}
    return {c.id: hops.get(c.id, _unconnected(c)) for c in contracts}


def _unconnected(contract: Contract) -> Hop:
    connection = names.airflow_connection(contract.source.connection)
    return Hop(error=f"no connection {connection}", remedy=f"add {connection} in Airflow, under Admin → Connections")


def _table(oltp: OltpHook, table: str) -> Hop:
    try:
        return Hop(rows=oltp.row_counts([table])[table])
    except SystemFailure as failure:
        return unavailable(failure)


def _kafka(systems: Systems, contract: Contract) -> Hop:
    topic = names.topic(contract)
    kept = systems.platform.count("kafka", topic)
    since = TopicCount.from_json(kept) if kept else TopicCount(topic)
    count = kafka_counter.count_changes(systems.kafka, systems.registry.schema, since)
    systems.platform.keep_count("kafka", topic, count.to_json())
    return Hop(rows=count.rows, changes=count.changes)


def _raw(systems: Systems, contract: Contract) -> Hop:
    table = names.raw_table(contract)
    kept = systems.platform.count("raw", table)
    since = lake_counter.LakeCount.from_json(kept) if kept else None
    count = lake_counter.count_changes(systems.lake, table, contract.key, since)
    if count is None:
        return absent(table, "lake")
    systems.platform.keep_count("raw", table, count.to_json())
    return Hop(rows=count.rows, changes=count.changes)


def in_warehouse(systems: Systems, contract: Contract) -> Hop:
    """Return the rows that the view of a streamed dataset has, and its changes."""
    view, changes = names.view(contract), names.changes_table(contract)
    if len(systems.warehouse.existing((view, changes))) < 2:
        return absent(view, "warehouse")
    return Hop(rows=systems.warehouse.count(view), changes=systems.warehouse.count_final(changes))


def dead_letters(systems: Systems) -> dict[tuple[str, str], Statistics]:
    """Return, by hop and dataset, the dead letters of refusers that feed that hop; empty if unavailable."""
    try:
        statistics = DeadLetterLedger(systems.platform).statistics()
    except SystemFailure:  # no database, or a database without migrations
        return {}
    hop_of = {SERVING: "warehouse", "": "raw"}
    places = ((hop_of.get(each.refused_by.partition("/")[2]), each) for each in statistics)
    return {(hop, each.dataset): each for hop, each in places if hop}


def freshness(systems: Systems, contracts: Sequence[Contract]) -> dict[str, Freshness | None]:
    """Return, by dataset, the freshness of its recent changes; None without any."""
    calls = Round()
    return {contract.id: _freshness(calls, systems, contract) for contract in contracts}


def _freshness(calls: Round, systems: Systems, contract: Contract) -> Freshness | None:
    changes, warehouse = names.changes_table(contract), systems.warehouse
    try:
        return calls.run(lambda: warehouse.freshness(changes, captured=contract.captured))
    except SystemFailure:  # missing, or no answer: the warehouse's own cell has the cause
        return None
