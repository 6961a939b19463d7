"""Measure the rows and changes of every hop. Kafka and the lake are counted from the last count on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, TypeAlias

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.errors import SystemFailure, SystemRefused
from headrace.services.connectors.reconcile import connectors_of
from headrace.services.dead_letters.ledger import LetterLedger, Statistics
from headrace.services.status.reasons import Known, reasons
from headrace.services.status.table import Hop, Hops
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

Ask: TypeAlias = Callable[[Systems, Contract], Hop]


def measure(systems: Systems, contracts: Sequence[Contract], *, paused: Collection[str] = ()) -> tuple[Hops, ...]:
    """Return the hop table, with the reason of each cell that is empty or behind. A failure affects only its own cells.

    The hops are measured concurrently; while rows flow they may differ by the rows that moved meanwhile. `paused` are
    the DAGs that are paused in Airflow.
    """
    chosen = [contract for contract in contracts if contract.source.kind == "cdc"]
    with ThreadPoolExecutor(6) as pool:
        source = pool.submit(_source, systems, chosen)
        hops = [pool.submit(_column, ask, systems, chosen) for ask in (_kafka, _raw, _warehouse)]
        fresh = pool.submit(lambda: {c.id: _freshness(systems, c) for c in chosen})
        letters = pool.submit(_letters, systems)
        moving = pool.submit(_known, systems, chosen, paused)
        columns = [source.result(), *(hop.result() for hop in hops)]
        for hop, column in zip(("source", "kafka", "raw", "warehouse"), columns, strict=True):
            for dataset in column:
                column[dataset] = _with_letters(column[dataset], letters.result().get((hop, dataset)))
        freshness, known = fresh.result(), moving.result()
    rows = (
        Hops(c.id, *(column[c.id] for column in columns), *(freshness[c.id] or (None, None))[:2])  # type: ignore[arg-type]
        for c in chosen
    )
    return tuple(replace(row, reasons=reasons(c, row, known)) for c, row in zip(chosen, rows, strict=True))


def _known(systems: Systems, contracts: Sequence[Contract], paused: Collection[str]) -> Known:
    """Return the states of connectors and streams; what is unavailable is left out, or reported."""
    connectors: dict[str, ConnectorStatus | None] = {}
    pulses: dict[str, Sequence[Pulse]] = {}
    alerts: dict[str, Alert] = {}
    error = ""
    try:
        connectors = {name: systems.connect.status(name) for name in connectors_of(contracts)}
    except SystemFailure as failure:
        error = str(failure)
    with suppress(SystemFailure):
        store = StreamStore(systems.platform)
        pulses = {group: store.pulses(group) for group in {contract.stream_group for contract in contracts}}
        alerts = {alert.key: alert for alert in systems.platform.open_alerts()}
    return Known(datetime.now(UTC), connectors, error, pulses, alerts, paused)


def _column(ask: Ask, systems: Systems, contracts: Sequence[Contract]) -> dict[str, Hop]:
    return {contract.id: _hop(ask, systems, contract) for contract in contracts}


def _hop(ask: Ask, systems: Systems, contract: Contract) -> Hop:
    try:
        return ask(systems, contract)
    except SystemFailure as failure:
        return Hop(error=str(failure))


def _source(systems: Systems, contracts: Sequence[Contract]) -> dict[str, Hop]:
    hops: dict[str, Hop] = {}
    for connection, oltp in systems.sources.items():
        tables = {c.id: c.source.table or "" for c in contracts if c.source.connection == connection}
        try:
            counts = oltp.row_counts(tables.values())
        except SystemRefused:  # one table is missing or not readable: count each alone to find it
            hops |= {dataset: _table(oltp, table) for dataset, table in tables.items()}
        except SystemFailure as failure:
            hops |= {dataset: Hop(error=str(failure)) for dataset in tables}
        else:
            hops |= {dataset: Hop(rows=counts[table]) for dataset, table in tables.items()}
    return {c.id: hops.get(c.id, Hop(error=f"no connection {c.source.connection}_default")) for c in contracts}


def _table(oltp: OltpHook, table: str) -> Hop:
    try:
        return Hop(rows=oltp.row_counts([table])[table])
    except SystemFailure as failure:
        return Hop(error=str(failure))


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
        return Hop(error=f"{table} is not in the lake yet")
    systems.platform.keep_count("raw", table, count.to_json())
    return Hop(rows=count.rows, changes=count.changes)


def _warehouse(systems: Systems, contract: Contract) -> Hop:
    view, changes = names.view(contract), names.changes_table(contract)
    if len(systems.warehouse.existing((view, changes))) < 2:
        return Hop(error=f"{view} is not in the warehouse yet")
    return Hop(rows=systems.warehouse.count(view), changes=systems.warehouse.count_final(changes))


def _letters(systems: Systems) -> dict[tuple[str, str], Statistics]:
    """Return, by hop and dataset, the dead letters of refusers that feed that hop; empty if unavailable."""
    try:
        tallies = LetterLedger(systems.platform).tallies()
    except SystemFailure:  # no database, or a database without migrations
        return {}
    hop_of = {SERVING: "warehouse", "": "raw"}
    places = ((hop_of.get(tally.refused_by.partition("/")[2]), tally) for tally in tallies)
    return {(hop, tally.dataset): tally for hop, tally in places if hop}


def _with_letters(hop: Hop, tally: Statistics | None) -> Hop:
    return hop if tally is None else replace(hop, waiting=tally.waiting, discarded=tally.discarded)


def _freshness(systems: Systems, contract: Contract) -> Freshness | None:
    try:
        return systems.warehouse.freshness(names.changes_table(contract))
    except SystemFailure:  # missing, or no answer: the warehouse's own cell has the cause
        return None
