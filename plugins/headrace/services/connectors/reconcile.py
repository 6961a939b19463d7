"""Repair connectors after each event of `KeepConnectorsOperator`: restart, recover slots, exclude datasets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.contracts.index import load_index
from headrace.errors import SystemFailure
from headrace.planning.sinks import without
from headrace.services.connectors.blame import blamed
from headrace.services.connectors.recovery import FreshStart, reconcile, start_over
from headrace.services.connectors.watch import Event, snapshot_done
from headrace.systems.bundle import Endpoints, Systems
from headrace.systems.turns import Turns

CONNECT_KEY: Final = "connect"
"""Key of the alert that Kafka Connect does not answer."""
HELD_OUT: Final = "sink:"
"""Prefix of the key of the alert that a sink excludes a dataset."""
LET_IN: Final = "The others continue. Trigger apply_contracts: it re-creates the table and includes the dataset."


@dataclass(frozen=True, slots=True)
class Trouble:
    """State of one watch, kept between events. JSON-able."""

    restarts: Mapping[str, int] = field(default_factory=dict, hash=False)
    """Connector → restarts since it last ran well."""
    behind: tuple[str, ...] = ()
    """Slots that were reported as behind."""
    until: float | None = None
    """End of the watch, as `time.time()`."""
    unreached: bool = False
    """Whether Kafka Connect was reported as not answering."""

    def again(self, connector: str) -> Trouble:
        """Return a copy with one more restart of the connector."""
        tries = self.restarts.get(connector, 0) + 1
        return replace(self, restarts={**self.restarts, connector: tries})

    def well(self, connectors: Iterable[str]) -> Trouble:
        """Return a copy in which these connectors run well."""
        gone = set(connectors)
        return replace(self, restarts={k: v for k, v in self.restarts.items() if k not in gone})

    def to_json(self) -> dict[str, Any]:
        """Return this as a JSON object."""
        return {
            "restarts": dict(self.restarts),
            "behind": list(self.behind),
            "until": self.until,
            "unreached": self.unreached,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Trouble:
        """Return the object of `to_json`'s result."""
        return cls(dict(value["restarts"]), tuple(value["behind"]), value["until"], value.get("unreached", False))


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Repairs connectors, with the systems and contracts that it needs."""

    systems: Systems
    contracts: tuple[Contract, ...]
    log: Callable[[str], None]

    @classmethod
    def from_connections(cls, schemas: str, log: Callable[[str], None]) -> Reconciler:
        """Return a reconciler from Airflow's connections, within a task; `schemas` is the folder of the contracts."""
        contracts = contracts_of(schemas)
        systems = Systems.at(Endpoints.from_connections(sources_of(contracts)))
        return cls(systems, contracts, log)

    def remembered(self, until: float | None) -> Trouble:
        """Return the state of a new watch from the open alerts, so that they are resolved when all is well again."""
        keys = {alert.key for alert in self.systems.platform.open_alerts()}
        recovering = {names.replication_slot(fresh.connection) for fresh in self.unreconciled().values()}
        slots = {names.replication_slot(source) for source in self.systems.sources} - recovering
        return Trouble(
            restarts={name: 0 for name in connectors_of(self.contracts) if _connector_key(name) in keys},
            behind=tuple(sorted(slot for slot in slots if _slot_key(slot) in keys)),
            until=until,
            unreached=CONNECT_KEY in keys,
        )

    def restart(self, connector: str, tries: int, of: int) -> None:
        """Restart the failed parts of the connector."""
        self.log(f"{connector}: restart {tries} of {of}")
        self.systems.connect.restart(connector)

    def hold_out(self, connector: str) -> bool:
        """Exclude the datasets that made the sink fail, so that the others continue; return whether there were any.

        The connector's configuration records the exclusion. Applying the contracts includes the datasets again.
        """
        mine = [c for c in self.contracts if "raw" in c.zones and names.sink_connector(c.domain) == connector]
        status = self.systems.connect.status(connector) if mine else None
        config = self.systems.connect.config(connector) if status else None
        if not (status and config):
            return False
        excluded = dict[Contract, str]()
        for contract, cause in blamed(status.failures, mine).items():
            rest = without(config, contract)
            if rest is not None:
                config, excluded[contract] = rest, cause
        for contract, cause in excluded.items():
            text = f"{names.raw_table(contract)} cannot be written, so {connector} excludes {contract.id}: {cause}. {LET_IN}"
            self.systems.platform.raise_alert(HELD_OUT + contract.id, "error", text, contract.id)
            self.log(text)
        if excluded:
            self.systems.connect.put(connector, config)
        return bool(excluded)

    def held_out(self) -> dict[str, list[str]]:
        """Return, by sink connector, the topics that it is known to exclude."""
        keys = {alert.key for alert in self.systems.platform.open_alerts()}
        found: dict[str, list[str]] = {}
        for contract in self.contracts:
            if HELD_OUT + contract.id in keys:
                found.setdefault(names.sink_connector(contract.domain), []).append(names.topic(contract))
        return found

    def let_in(self, topics: Collection[str]) -> None:
        """Resolve the alerts of datasets that their sinks land again."""
        for contract in self.contracts:
            if names.topic(contract) in topics:
                self.systems.platform.resolve_alert(HELD_OUT + contract.id)

    def is_source(self, connector: str) -> bool:
        """Return whether this is the Debezium connector of a source that contracts use."""
        return any(names.source_connector(source) == connector for source in self.systems.sources)

    def give_up(self, connector: str, text: str) -> SystemFailure:
        """Raise the alert of a connector that does not stay up, and return the exception to raise."""
        self.systems.platform.raise_alert(_connector_key(connector), "error", text)
        return SystemFailure("connect", self.systems.connect.address, text)

    def note(self, known: Trouble, event: Event) -> Trouble:
        """Raise or resolve the alert that the event is about.

        Raises:
            SystemFailure: a connector is missing.
        """
        platform = self.systems.platform
        kind = event["event"]
        if kind != "unreachable":
            platform.resolve_alert(CONNECT_KEY)
            known = replace(known, unreached=False)
        match kind:
            case "unreachable":
                platform.raise_alert(CONNECT_KEY, "error", event["message"])
                return replace(known, unreached=True)
            case "missing":
                raise self.give_up(event["connectors"][0], event["message"])
            case "recovered":
                for connector in event["connectors"]:
                    platform.resolve_alert(_connector_key(connector))
                return known.well(event["connectors"])
            case "slot-behind":
                platform.raise_alert(_slot_key(event["slot"]), "warning", event["message"])
                return replace(known, behind=(*known.behind, event["slot"]))
            case "slot-caught-up":
                platform.resolve_alert(_slot_key(event["slot"]))
                return replace(known, behind=tuple(s for s in known.behind if s != event["slot"]))
        return known

    def all_well(self, connectors: Iterable[str]) -> None:
        """Resolve the alerts of connectors that ran well until the end of the watch."""
        for key in (CONNECT_KEY, *map(_connector_key, connectors)):
            self.systems.platform.resolve_alert(key)

    def recover(self, known: Trouble, connector: str, *, allowed: bool) -> Trouble:
        """Recover a lost slot by a fresh snapshot.

        Raises:
            SystemFailure: `allowed` is false.
        """
        connection = self._connection(connector)
        slot = names.replication_slot(connection)
        fact = f"replication slot {slot} has lost the log that {connector} needs"
        if not allowed:
            raise self.give_up(connector, f"{fact}. Take a fresh snapshot to continue without a gap.")
        self.systems.platform.raise_alert(_slot_key(slot), "error", f"{fact}: fresh snapshot")
        start_over(
            self.systems.connect,
            self.systems.kafka,
            self.systems.sources[connection],
            connection,
            self.contracts,
            lambda fresh: self.systems.platform.keep_fresh_start(connection, fresh.to_json()),
            self.log,
        )
        return known.well([connector])

    def recover_slot(self, known: Trouble, slot: str, *, allowed: bool) -> Trouble:
        """Recover a lost slot, by the slot's name. See `recover`."""
        connection = next(n for n in self.systems.sources if names.replication_slot(n) == slot)
        return self.recover(known, names.source_connector(connection), allowed=allowed)

    def unreconciled(self) -> dict[str, FreshStart]:
        """Return, by connector, its fresh start that is not reconciled yet."""
        found = map(FreshStart.from_json, self.systems.platform.fresh_starts().values())
        return {fresh.connector: fresh for fresh in found}

    def resume_recoveries(self) -> None:
        """Resume recoveries that ended after a connector was stopped and before it was resumed."""
        for connector in self.unreconciled():
            status = self.systems.connect.status(connector)
            if status and status.state in ("STOPPED", "PAUSED"):
                self.log(f"{connector}: {status.state} in the middle of its recovery; resuming the recovery")
                if status.state == "STOPPED":
                    self.recover(Trouble(), connector, allowed=True)
                else:
                    self.systems.connect.resume(connector)

    def reconcile(self, connectors: Iterable[str]) -> None:
        """Delete rows that vanished from the source unseen, for connectors whose fresh snapshot is complete.

        Raises:
            HeldBack: this failed for some connectors; the next watch retries it.
        """
        turns = Turns(self.log)
        for connector, fresh in self.unreconciled().items():
            if connector in connectors:
                with turns.of(connector):
                    self._reconcile(fresh)
        turns.end()

    def _reconcile(self, fresh: FreshStart) -> None:
        systems, connector = self.systems, fresh.connector
        if not snapshot_done(systems.connect.offsets(connector)):
            return
        deleted = reconcile(
            systems.connect, systems.kafka, systems.registry.schema, systems.warehouse, self.contracts, fresh, self.log
        )
        systems.platform.reconciled(fresh.connection)
        systems.platform.resolve_alert(_slot_key(names.replication_slot(fresh.connection)))
        self.log(f"{connector}: recovered; deleted {deleted} rows that had vanished unseen")

    def _connection(self, connector: str) -> str:
        return next(n for n in self.systems.sources if names.source_connector(n) == connector)


def contracts_of(schemas: str) -> tuple[Contract, ...]:
    """Return the contracts of the folder, from the compiled index."""
    return tuple(load_index(Path(schemas)).values())


def sources_of(contracts: Iterable[Contract]) -> Sequence[str]:
    """Return the source connections of the CDC contracts, sorted."""
    return sorted({c.source.connection for c in contracts if c.captured})


def connectors_of(contracts: Iterable[Contract]) -> list[str]:
    """Return the connectors that the contracts need, sorted."""
    contracts = tuple(contracts)
    sinks = {names.sink_connector(c.domain) for c in contracts if "raw" in c.zones}
    return sorted(sinks | {names.source_connector(source) for source in sources_of(contracts)})


def _connector_key(connector: str) -> str:
    return f"connector:{connector}"


def _slot_key(slot: str) -> str:
    return f"slot:{slot}"
