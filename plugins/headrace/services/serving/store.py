"""Interface of the stores that serve datasets, and the tables of ClickHouse and PostgreSQL."""

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
    """Table of one dataset in a store."""

    name: str
    """Name of store and table, for people."""

    def state(self) -> str | None:
        """Return the `state` of the last `load`; None when it was never loaded."""

    def load(self, state: str, parts: Iterable[pa.Table], rows: int, check: Check = unchecked) -> None:
        """Replace the table's rows by these, in one step for its readers. `check` is called before each write."""

    def lineage(self) -> LineageName:
        """Return the table's OpenLineage name."""


class ClickHouseTable:
    """Table of a dataset in ClickHouse."""

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
    """Table of a dataset in the serving PostgreSQL database."""

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
    """Return the table that serves the dataset, by the Airflow connection of its store."""
    if contract.serving == "postgres":
        return PostgresTable(contract, Endpoint.from_connection(ServingHook.default_conn_name))
    return ClickHouseTable(contract, Endpoint.from_connection(WarehouseHook.default_conn_name))
