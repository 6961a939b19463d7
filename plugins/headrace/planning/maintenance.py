"""Which lake tables are looked after, how, and when it cannot wait: the contracts' policies, table by table."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Any, Final, NamedTuple

from headrace.contracts import names
from headrace.contracts.contract import Contract

SMALL: Final = 0.75
"""A data file below this share of the target size is small, to Iceberg's compaction as well."""
TOGETHER: Final = 5
"""So many small files of one partition are worth writing anew; fewer are left as they are."""


class LakeFile(NamedTuple):
    """One file of a table's current state."""

    partition: Hashable
    bytes: int
    deletes: bool
    """Whether it says which rows are gone, instead of holding rows."""


def policies(contracts: Iterable[Contract]) -> list[dict[str, Any]]:
    """One JSON object a table: `table` (`zone.table`), and the parts of `Maintenance`."""
    return [
        {"table": names.lake_table(contract, zone), **dataclasses.asdict(contract.maintenance)}
        for contract in contracts
        for zone in contract.zones
    ]


def compactable(files: Iterable[LakeFile], target_bytes: int) -> int:
    """How many of these files compaction would take up: the small ones of crowded partitions, and all deletes."""
    small, deletes = Counter[Hashable](), 0
    for file in files:
        if file.deletes:
            deletes += 1
        elif file.bytes < target_bytes * SMALL:
            small[file.partition] += 1
    return deletes + sum(count for count in small.values() if count >= TOGETHER)
