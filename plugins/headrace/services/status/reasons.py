"""Explain why a cell of the hop table is empty or behind: place, cause, since when, next step. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.services.status.table import Hop, Hops, Reason
from headrace.systems.connect.status import ConnectorStatus
from headrace.systems.platform.alerts import Alert
from headrace.systems.spark.store import Pulse

STALL_S: Final = 45.0
"""Age in seconds above which a heartbeat means a hanging or dead driver, as in `KeepStreamOperator`."""
WATCHED: Final = (
    "watch_connectors restarts failed tasks; fix the cause, docs/how-to/troubleshoot.md lists the usual ones"
)


@dataclass(frozen=True, slots=True)
class Known:
    """States of connectors, streams, alerts and DAGs that move the rows."""

    now: datetime
    connectors: Mapping[str, ConnectorStatus | None] = field(default_factory=dict)
    """Connector → its status; None if it does not exist."""
    connect_error: str = ""
    """Why Kafka Connect did not answer."""
    pulses: Mapping[str, Sequence[Pulse]] = field(default_factory=dict)
    """Stream group → the last heartbeats of its driver."""
    alerts: Mapping[str, Alert] = field(default_factory=dict)
    """Open alerts by key."""
    paused: Collection[str] = ()
    """DAGs that are paused."""
    platform_error: str = ""
    """Why the platform's database did not answer; heartbeats and alerts are then unknown."""


def explained(contracts: Sequence[Contract], rows: Sequence[Hops], known: Known) -> tuple[Hops, ...]:
    """Return the rows with the reason of each cell that is empty or behind."""
    return tuple(replace(row, reasons=reasons(c, row, known)) for c, row in zip(contracts, rows, strict=True))


def reasons(contract: Contract, row: Hops, known: Known) -> tuple[Reason, ...]:
    """Return the reasons of one dataset, in the order of the hops; none if all hops agree and nothing waits."""
    hops = row.hops()
    found = [Reason(hop, cell.error, None, cell.remedy) for hop, cell in hops.items() if cell.error]
    if not row.agree or row.waiting:
        found += _connector("kafka", names.source_connector(contract.source.connection), known)
        if "raw" in contract.zones:
            found += _connector("raw", names.sink_connector(contract.domain), known)
        found += _stream(contract, known)
        found += [_dead_letters(hop, cell) for hop, cell in hops.items() if cell.waiting]
        found += _alerts(contract, known)
    if not row.agree and not found:
        behind = next((h for h, c in hops.items() if c.rows != row.source.rows), "raw")
        found.append(Reason(behind, "changes are on their way; no failure is known", None, "run status again"))
    return tuple(found)


def _connector(hop: str, connector: str, known: Known) -> Iterator[Reason]:
    if known.connect_error:
        yield Reason(hop, f"Kafka Connect does not answer: {known.connect_error}", None, "./headrace logs connect")
        return
    if connector not in known.connectors:
        return
    status, since = known.connectors[connector], _since(known, f"connector:{connector}")
    if status is None:
        yield Reason(hop, f"there is no connector {connector}", since, "trigger apply_contracts")
    elif status.failures:
        yield Reason(hop, "; ".join(failure.sentence for failure in status.failures), since, WATCHED)
    elif status.state in ("PAUSED", "STOPPED"):
        text = f"connector {connector} is {status.state}"
        yield Reason(hop, text, since, f"trigger steer_connectors: resume {connector}")
    elif not status.settled("RUNNING"):
        yield Reason(hop, f"connector {status.summary}", since, "it is starting; run status again")


def _stream(contract: Contract, known: Known) -> Iterator[Reason]:
    group = contract.stream_group
    dag, since = names.stream_dag(group), _since(known, f"stream:{group}")
    if dag in known.paused:
        yield Reason("warehouse", f"the DAG {dag} is paused", since, f"unpause {dag} in Airflow")
    pulses = known.pulses.get(group)
    if pulses is None:
        return
    log = f"./headrace logs stream-{group}"
    if not pulses:
        yield Reason(
            "warehouse", f"the driver of {dag} has never sent a heartbeat", since, f"see the log of {dag}, and {log}"
        )
    for pulse in pulses:
        at = known.now - timedelta(seconds=pulse.age_s)
        if pulse.age_s > STALL_S:
            yield Reason("warehouse", f"query {pulse.query} of {group} has stalled or is dead", at, log)
        elif pulse.state != "running" or pulse.last_error:
            because = f": {pulse.last_error}" if pulse.last_error else ""
            yield Reason("warehouse", f"query {pulse.query} of {group} is {pulse.state}{because}", since, log)
        elif pulse.query == "cdc" and pulse.lag:
            yield Reason(
                "warehouse", f"{group} is catching up: {pulse.lag:,} records to read", None, "run status again"
            )


def _dead_letters(hop: str, cell: Hop) -> Reason:
    text = f"{cell.waiting:,} dead letter{'s wait' if cell.waiting != 1 else ' waits'}"
    return Reason(hop, text, None, "see docs/how-to/replay-dead-letters.md; replay_dead_letters shows and replays them")


def _alerts(contract: Contract, known: Known) -> Iterator[Reason]:
    hops = {
        f"slot:{names.replication_slot(contract.source.connection)}": "kafka",
        f"sink:{contract.id}": "raw",
        f"stream:{contract.stream_group}/cdc:{names.topic(contract)}": "warehouse",
        f"late:{contract.id}": "warehouse",
    }
    for key, hop in hops.items():
        if alert := known.alerts.get(key):
            yield Reason(hop, alert.text, alert.first_seen, "see docs/how-to/troubleshoot.md")


def _since(known: Known, key: str) -> datetime | None:
    alert = known.alerts.get(key)
    return alert.first_seen if alert else None
