"""Operators that load datasets into the stores that serve them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.contracts.index import load_index
from headrace.planning.lineage_datasets import copied
from headrace.services.lineage.places import datasets
from headrace.services.lineage.reported import operator_lineage
from headrace.systems.parameters import chosen

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import Context


class ServeOperator(BaseOperator):
    """Loads a dataset's cleaned table into the store that serves it; readers see the old rows, then all the new ones.

    Nothing is loaded when the store holds that snapshot already. Loads of the same dataset run one at a time.

    Args:
        dataset: id of the dataset.
        schemas: folder of the contracts.
    """

    ui_color = "#fdebd0"

    def __init__(self, *, dataset: str, schemas: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.schemas = schemas

    def execute(self, context: Context) -> dict[str, Any]:
        """Load the table; return the served snapshot, its number of rows, and whether it was loaded now.

        Raises SystemUnavailable, SystemRefused.
        """
        from headrace.services.serving.store import store_of
        from headrace.systems.lake import rows
        from headrace.systems.lake.hook import LakeHook
        from headrace.systems.platform.hook import PlatformHook

        contract = load_index(Path(self.schemas))[self.dataset]
        name = names.lake_table(contract, "cleaned")
        store, lake = store_of(contract), LakeHook.from_connection()
        with PlatformHook.from_connection().lock(f"serve:{self.dataset}") as lock:
            table = lake.table(name)
            snapshot = lake.call(lambda: rows.current(table)) if table else None
            if table is None or snapshot is None:
                self.log.info("%s has no rows yet; nothing is loaded", name)
                return {"snapshot": None, "rows": 0, "loaded": False}
            state = f"snapshot {snapshot.id} of {name}"
            if loaded := store.state() != state:
                columns = [field.name for field in contract.record.fields]
                store.load(state, rows.parts(table, snapshot, columns), snapshot.rows, lock.check)
        self.log.info(
            "%s holds %s: %s rows%s", store.name, state, f"{snapshot.rows:,}", "" if loaded else ", as before"
        )
        return {"snapshot": snapshot.id, "rows": snapshot.rows, "loaded": loaded}

    def get_openlineage_facets_on_start(self) -> OperatorLineage[Any, Any]:
        """Return the flow from the cleaned table to the serving table; it is the same at the end."""
        from headrace.services.serving.store import store_of

        contract, known = load_index(Path(self.schemas))[self.dataset], datasets()
        cleaned = known.lake(contract, "cleaned")
        return operator_lineage([cleaned], [copied(known.loaded(contract, store_of(contract).lineage()), cleaned)])


class ServeFromRawOperator(BaseOperator):
    """Re-creates the tables that a stream fills from the raw zone, while the stream continues; readers see the old
    rows, then all the new ones. A failure of one dataset does not stop the others.

    Args:
        schemas: folder of the contracts.
        datasets: ids, a list or comma-separated; all that a stream serves in ClickHouse when empty.
    """

    template_fields = ("datasets",)
    ui_color = "#fdebd0"

    def __init__(self, *, schemas: str, datasets: Sequence[str] | str = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.schemas = schemas
        self.datasets = datasets

    def execute(self, context: Context) -> dict[str, dict[str, int]]:
        """Return, by dataset, the numbers of changes in raw and of those that the tables reject. Raises HeldBack."""
        from airflow.sdk.exceptions import AirflowFailException

        from headrace.services.serving.from_raw import FromRaw
        from headrace.systems.platform.hook import PlatformHook
        from headrace.systems.turns import Turns

        try:
            contracts = streamed_datasets(load_index(Path(self.schemas)), self.datasets)
        except ValueError as wrong:
            raise AirflowFailException(str(wrong)) from wrong
        raw, done, turns = FromRaw.from_connections(), dict[str, dict[str, int]](), Turns(self.log.error)
        for contract in contracts:
            with turns.of(contract.id), PlatformHook.from_connection().lock(f"serve:{contract.id}") as lock:
                found = raw.serve(contract, self.log.warning, lock.check)
                tables = " and ".join(names.stream_tables(contract))
                self.log.info("%s hold the %s changes of raw, and later ones", tables, f"{found.changes:,}")
                done[contract.id] = found._asdict()
        turns.end()
        return done


def streamed_datasets(contracts: Mapping[str, Contract], requested: Sequence[str] | str | None) -> list[Contract]:
    """Return the datasets given, or all that a stream serves in ClickHouse from raw. Raises ValueError if unknown."""
    served = {
        dataset: contract
        for dataset, contract in contracts.items()
        if contract.streamed and contract.serving == "clickhouse" and "raw" in contract.zones
    }
    datasets = chosen(requested, list(served), "not served by a stream that lands in raw; such datasets")
    return [served[dataset] for dataset in datasets]
