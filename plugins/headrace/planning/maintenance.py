"""Which lake tables are looked after, and how: the contracts' policies, table by table."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from headrace.contracts import names
from headrace.contracts.contract import Contract


def policies(contracts: Iterable[Contract]) -> list[dict[str, Any]]:
    """One JSON object a table: `table` (`zone.table`) and the parts of `Maintenance`."""
    return [
        {"table": names.lake_table(contract, zone), **dataclasses.asdict(contract.maintenance)}
        for contract in contracts
        for zone in contract.zones
    ]
