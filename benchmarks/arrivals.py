"""When rows were where: told by the systems' own records, so that watching costs next to nothing."""

from __future__ import annotations

from collections.abc import Mapping

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.planning.ddl import qualified
from headrace.systems.lake.hook import LakeHook
from headrace.systems.warehouse.hook import WarehouseHook


def landed(lake: LakeHook, contracts: tuple[Contract, ...]) -> dict[str, int]:
    """Raw table → records that it holds."""
    return {table: lake.records(table) or 0 for table in map(names.raw_table, contracts)}


def landed_at(lake: LakeHook, table: str, records: int) -> float | None:
    """Epoch seconds of the first commit after which the table had so many records; None when none has."""
    found = lake.table(table)
    for snapshot in sorted(found.metadata.snapshots, key=lambda s: s.timestamp_ms) if found else ():
        if snapshot.summary is not None and int(snapshot.summary["total-records"] or 0) >= records:
            return snapshot.timestamp_ms / 1000
    return None


def served_since(warehouse: WarehouseHook, contract: Contract, start: Mapping[int, int]) -> int:
    """Changes of the dataset that a reader sees, of those at or past these offsets."""
    place = " OR ".join(f"_kafka_partition = {p} AND _offset >= {o}" for p, o in start.items()) or "1"
    query = f"SELECT count() FROM {qualified(names.changes_table(contract))} WHERE {place}"
    return int(warehouse.rows(query)[0][0])
