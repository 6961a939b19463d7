"""Maintenance policies of the lake tables, and the number of files to compact."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Any, Final, NamedTuple

from headrace.contracts import names
from headrace.contracts.contract import Contract

SMALL: Final = 0.75
"""Share of the target size below which a data file is small. Iceberg's compaction uses the same share."""
TOGETHER: Final = 5
"""Minimum number of small files in a partition that are worth compacting."""


class LakeFile(NamedTuple):
    """One file of a table's current snapshot."""

    partition: Hashable
    bytes: int
    deletes: bool
    """Whether it is a delete file instead of a data file."""


def policies(contracts: Iterable[Contract]) -> list[dict[str, Any]]:
    """Return one JSON object per table: `table` (`zone.table`), and the attributes of `Maintenance`."""
    return [
        {"table": names.lake_table(contract, zone), **dataclasses.asdict(contract.maintenance)}
        for contract in contracts
        for zone in contract.zones
    ]


def compactable(files: Iterable[LakeFile], target_bytes: int) -> int:
    """Count the files that compaction would rewrite: small files of crowded partitions, and all delete files."""
    small, deletes = Counter[Hashable](), 0
    for file in files:
        if file.deletes:
            deletes += 1
        elif file.bytes < target_bytes * SMALL:
            small[file.partition] += 1
    return deletes + sum(count for count in small.values() if count >= TOGETHER)
