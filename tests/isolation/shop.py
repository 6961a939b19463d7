"""A shop of three datasets at a place of its own: one gets into trouble, two trade on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.systems.platform.alerts import Alert
from include.stack.settings import Settings
from tests.integration.systems.world import World
from tests.support.place import Place, place
from tests.support.waiting import wait_until
from tests.support.watching import airflow_connections, connectors_kept

SICK: Final = "sick"
WELL: Final = ("well", "lively")
SETUP: Final = ("CREATE SCHEMA shop", "CREATE PUBLICATION headrace_{domain} FOR TABLES IN SCHEMA shop")
FLOWS_WITHIN_S: Final = 120.0
PAUSE_S: Final = 0.02
"""Between two rows of a dataset."""
DELAYS: Final = (
    "SELECT (toUnixTimestamp64Micro(_inserted_at) - toUnixTimestamp64Micro(_committed_at)) / 1e3 AS ms"
    " FROM {database:Identifier}.{table:Identifier} WHERE id BETWEEN {first:Int64} AND {last:Int64}"
)


class Shop:
    """Trades at a place of its own, and counts what has arrived."""

    def __init__(self, at: Place) -> None:
        self.at = at
        self._next = 1_000_000

    @property
    def world(self) -> World:
        """Return its source, contracts, and systems."""
        return self.at.world

    def contract(self, dataset: str) -> Contract:
        """Return a dataset's contract."""
        return self.world.contract(dataset)

    def raw(self, dataset: str) -> str:
        """Return the name of a dataset's raw table."""
        return names.raw_table(self.contract(dataset))

    def trade(self, rows: int, datasets: Sequence[str] = WELL) -> list[float]:
        """Write rows, one after the other, and wait until each is served and landed, once.

        Returns:
            Milliseconds from commit to the warehouse's insert, of each row.
        """
        first, self._next = self._next, self._next + rows
        last = self._next - 1
        for number in range(first, self._next):
            for dataset in datasets:
                self.world.sql(f"INSERT INTO shop.{dataset} VALUES (%s, 1.25, now())", number)
            time.sleep(PAUSE_S)
        for dataset in datasets:
            self._wait(dataset, first, last)
        return [delay for dataset in datasets for delay in self._delays(dataset, first, last)]

    def _wait(self, dataset: str, first: int, last: int) -> None:
        rows = last - first + 1
        wait_until(lambda: self.served(dataset, first, last) == rows, FLOWS_WITHIN_S, f"{dataset} is not served")
        wait_until(lambda: self.landed(dataset, first, last) == rows, FLOWS_WITHIN_S, f"{dataset} has not landed")

    def served(self, dataset: str, first: int, last: int) -> int:
        """Count these keys in what is served."""
        query = f"SELECT count() FROM {self.at.domain}.{dataset} WHERE id BETWEEN {{first:Int64}} AND {{last:Int64}}"
        return int(self.world.systems.warehouse.rows(query, {"first": first, "last": last})[0][0])

    def landed(self, dataset: str, first: int, last: int) -> int:
        """Count these keys in raw."""
        table = self.world.systems.lake.catalog.load_table(self.raw(dataset))
        return int(table.scan(f"id >= {first} AND id <= {last}").count())

    def alerts(self, dataset: str) -> list[Alert]:
        """Return the open alerts about a dataset."""
        found = self.world.systems.platform.open_alerts()
        return [alert for alert in found if alert.dataset == f"{self.at.domain}.{dataset}"]

    def _delays(self, dataset: str, first: int, last: int) -> list[float]:
        database, table = names.changes_table(self.contract(dataset)).split(".")
        given = {"database": database, "table": table, "first": first, "last": last}
        return [float(ms) for (ms,) in self.world.systems.warehouse.rows(DELAYS, given)]


@contextmanager
def open_shop(settings: Settings, home: Path) -> Iterator[Shop]:
    """A shop whose datasets are captured, landed, and served; its connectors are watched over."""
    with place(settings, home, SETUP) as at, pytest.MonkeyPatch.context() as patch:
        at.world.zones = "raw, cleaned, history, quarantine"
        for dataset in (SICK, *WELL):
            at.world.make_table(dataset, rows=3)
            at.world.declare(dataset)
        at.world.apply()
        airflow_connections(at.world, patch)
        with at.streaming(), connectors_kept(at.world):
            yield Shop(at)
