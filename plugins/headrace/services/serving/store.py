"""A store that serves one dataset, whichever it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.contracts.names import LineageName
from headrace.planning.serving import serving_table
from headrace.planning.warehouse import loaded_table
from headrace.services.lineage.places import served_name
from headrace.systems.endpoint import Endpoint
from headrace.systems.platform.locks import Check, unchecked
from headrace.systems.serving import loading as postgres_loading
from headrace.systems.serving.hook import ServingHook
from headrace.systems.warehouse import loading
from headrace.systems.warehouse.hook import WarehouseHook

if TYPE_CHECKING:
    import pyarrow as pa


class Store(Protocol):
    """One dataset's table in a store."""

    name: str
    """As a person would look for it."""

    def state(self) -> str | None:
        """What it holds, as `load` was told; None when it was never loaded."""

    def load(self, state: str, parts: Iterable[pa.Table], rows: int, check: Check = unchecked) -> None:
        """Make it hold these rows and nothing else, in one step for its readers. `check` is asked before each write."""

    def lineage(self) -> LineageName:
        """What OpenLineage calls it."""


class ClickHouseTable:
    """A dataset's table in ClickHouse."""

    def __init__(self, contract: Contract, endpoint: Endpoint) -> None:
        self._table = loaded_table(contract)
        self._endpoint = endpoint
        self._hook = WarehouseHook(endpoint)
        self.name = f"ClickHouse table {self._table.name}"

    def state(self) -> str | None:
        """See `Store`."""
        return loading.loaded_state(self._hook, self._table)

    def load(self, state: str, parts: Iterable[pa.Table], rows: int, check: Check = unchecked) -> None:
        """See `Store`."""
        loading.load(self._hook, self._table, state, parts, rows, check)

    def lineage(self) -> LineageName:
        """See `Store`."""
        return served_name(self._table.name, self._endpoint)


class PostgresTable:
    """A dataset's table in the serving PostgreSQL database."""

    def __init__(self, contract: Contract, endpoint: Endpoint) -> None:
        self._table = serving_table(contract)
        self._endpoint = endpoint
        self._hook = ServingHook(endpoint)
        self.name = f"PostgreSQL table {self._table.name}"

    def state(self) -> str | None:
        """See `Store`."""
        return postgres_loading.loaded_state(self._hook, self._table)

    def load(self, state: str, parts: Iterable[pa.Table], rows: int, check: Check = unchecked) -> None:
        """See `Store`."""
        postgres_loading.load(self._hook, self._table, state, parts, rows, check)

    def lineage(self) -> LineageName:
        """See `Store`."""
        place = self._endpoint
        return names.postgres_lineage(place.host, place.port or 5432, place.database, self._table.name)


def store_of(contract: Contract) -> Store:
    """The table that serves the dataset, by the Airflow connection of its store."""
    if contract.serving == "postgres":
        return PostgresTable(contract, Endpoint.from_connection(ServingHook.default_conn_name))
    return ClickHouseTable(contract, Endpoint.from_connection(WarehouseHook.default_conn_name))
