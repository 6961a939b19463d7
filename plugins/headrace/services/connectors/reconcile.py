"""Repairing connectors: what `KeepConnectorsOperator` does about each event."""

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
"""Key of the alert that Connect does not answer."""
HELD_OUT: Final = "sink:"
"""Prefix of the alert that a sink leaves a dataset out."""
LET_IN: Final = "Its other datasets go on. Trigger apply_contracts: it makes the table again and lets the dataset in."


@dataclass(frozen=True, slots=True)
class Trouble:
    """What one watch knows of, from one event to the next. JSON-able."""

    restarts: Mapping[str, int] = field(default_factory=dict, hash=False)
    """Connector → how often it was restarted since it last ran well."""
    behind: tuple[str, ...] = ()
    """Slots that are known to be behind."""
    until: float | None = None
    """End of the watch, as `time.time()`."""
    unreached: bool = False
    """Whether Connect is known not to answer."""

    def again(self, connector: str) -> Trouble:
        """The same, with one more restart of the connector."""
        tries = self.restarts.get(connector, 0) + 1
        return replace(self, restarts={**self.restarts, connector: tries})

    def well(self, connectors: Iterable[str]) -> Trouble:
        """The same, with these connectors running well."""
        gone = set(connectors)
        return replace(self, restarts={k: v for k, v in self.restarts.items() if k not in gone})

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "restarts": dict(self.restarts),
            "behind": list(self.behind),
            "until": self.until,
            "unreached": self.unreached,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Trouble:
        """The inverse of `to_json`."""
        return cls(dict(value["restarts"]), tuple(value["behind"]), value["until"], value.get("unreached", False))


@dataclass(frozen=True, slots=True)
class Reconciler:
    """The systems that repairs need, and the contracts that say what belongs together."""

    systems: Systems
    contracts: tuple[Contract, ...]
    log: Callable[[str], None]

    @classmethod
    def from_connections(cls, schemas: str, log: Callable[[str], None]) -> Reconciler:
        """By Airflow's connections, from within a task; `schemas` is the folder of contracts."""
        contracts = contracts_of(schemas)
        systems = Systems.at(Endpoints.from_connections(sources_of(contracts)))
        return cls(systems, contracts, log)

    def remembered(self, until: float | None) -> Trouble:
        """What a new watch must know of the one before, so that what is open is closed when it is well again."""
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
        """Restarts what failed of the connector."""
        self.log(f"{connector}: restart {tries} of {of}")
        self.systems.connect.restart(connector)

    def hold_out(self, connector: str) -> bool:
        """Leaves out of a failed sink the datasets for which it failed, so that the others go on; whether there were any.

        The configuration is the record of it: applying the contracts lets them in again.
        """
        mine = [c for c in self.contracts if "raw" in c.zones and names.sink_connector(c.domain) == connector]
        status = self.systems.connect.status(connector) if mine else None
        config = self.systems.connect.config(connector) if status else None
        if not (status and config):
            return False
        told = dict[Contract, str]()
        for contract, cause in blamed(status.failures, mine).items():
            rest = without(config, contract)
            if rest is not None:
                config, told[contract] = rest, cause
        for contract, cause in told.items():
            text = f"{names.raw_table(contract)} cannot be written, so {connector} leaves {contract.id} out: {cause}. {LET_IN}"
            self.systems.platform.raise_alert(HELD_OUT + contract.id, "error", text, contract.id)
            self.log(text)
        if told:
            self.systems.connect.put(connector, config)
        return bool(told)

    def held_out(self) -> dict[str, list[str]]:
        """Sink connector → topics that it is known to leave out."""
        keys = {alert.key for alert in self.systems.platform.open_alerts()}
        found: dict[str, list[str]] = {}
        for contract in self.contracts:
            if HELD_OUT + contract.id in keys:
                found.setdefault(names.sink_connector(contract.domain), []).append(names.topic(contract))
        return found

    def let_in(self, topics: Collection[str]) -> None:
        """Closes the alerts of datasets that sinks land again."""
        for contract in self.contracts:
            if names.topic(contract) in topics:
                self.systems.platform.resolve_alert(HELD_OUT + contract.id)

    def is_source(self, connector: str) -> bool:
        """Whether it is the Debezium connector of a source that contracts read."""
        return any(names.source_connector(source) == connector for source in self.systems.sources)

    def give_up(self, connector: str, text: str) -> SystemFailure:
        """The failure to raise when a connector will not stay up; the alert is open."""
        self.systems.platform.raise_alert(_connector_key(connector), "error", text)
        return SystemFailure("connect", self.systems.connect.address, text)

    def note(self, known: Trouble, event: Event) -> Trouble:
        """Opens or closes the alert that an event is about.

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
        """Closes what is open about connectors that ran well to the end of the watch."""
        for key in (CONNECT_KEY, *map(_connector_key, connectors)):
            self.systems.platform.resolve_alert(key)

    def recover(self, known: Trouble, connector: str, *, allowed: bool) -> Trouble:
        """Answers a lost slot by a fresh snapshot.

        Raises:
            SystemFailure: it is not allowed to.
        """
        connection = self._connection(connector)
        slot = names.replication_slot(connection)
        fact = f"replication slot {slot} has lost the log that {connector} needs"
        if not allowed:
            raise self.give_up(connector, f"{fact}. Take a fresh snapshot to go on without a gap.")
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
        """The same, by the slot's name."""
        connection = next(n for n in self.systems.sources if names.replication_slot(n) == slot)
        return self.recover(known, names.source_connector(connection), allowed=allowed)

    def unreconciled(self) -> dict[str, FreshStart]:
        """Connector → its fresh start that is not reconciled yet."""
        found = map(FreshStart.from_json, self.systems.platform.fresh_starts().values())
        return {fresh.connector: fresh for fresh in found}

    def resume_recoveries(self) -> None:
        """Goes on with recoveries that ended between stopping a connector and resuming it."""
        for connector in self.unreconciled():
            status = self.systems.connect.status(connector)
            if status and status.state in ("STOPPED", "PAUSED"):
                self.log(f"{connector}: {status.state} in the middle of its recovery, goes on")
                if status.state == "STOPPED":
                    self.recover(Trouble(), connector, allowed=True)
                else:
                    self.systems.connect.resume(connector)

    def reconcile(self, connectors: Iterable[str]) -> None:
        """Deletes what vanished unseen, of connectors whose fresh snapshot is complete.

        Raises:
            HeldBack: of some connectors this failed; it is tried with the next watch.
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
        self.log(f"{connector}: recovered, {deleted} rows deleted that had vanished unseen")

    def _connection(self, connector: str) -> str:
        return next(n for n in self.systems.sources if names.source_connector(n) == connector)


def contracts_of(schemas: str) -> tuple[Contract, ...]:
    """The contracts in the folder, by the compiled index."""
    return tuple(load_index(Path(schemas)).values())


def sources_of(contracts: Iterable[Contract]) -> Sequence[str]:
    """The source connections that CDC contracts read, sorted."""
    return sorted({c.source.connection for c in contracts if c.source.kind == "cdc"})


def connectors_of(contracts: Iterable[Contract]) -> list[str]:
    """The connectors that the contracts ask for, sorted."""
    contracts = tuple(contracts)
    sinks = {names.sink_connector(c.domain) for c in contracts if "raw" in c.zones}
    return sorted(sinks | {names.source_connector(source) for source in sources_of(contracts)})


def _connector_key(connector: str) -> str:
    return f"connector:{connector}"


def _slot_key(slot: str) -> str:
    return f"slot:{slot}"
