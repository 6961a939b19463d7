"""The contracts of an instance: as they stand in its folder, and as they were applied."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from headrace.contracts.contract import Contract
from headrace.contracts.index import load_index
from include.stack.settings import Settings


def index_file(s: Settings) -> Path:
    """Where the instance keeps the index of its folder of contracts; its Airflow reads the same one."""
    return s.run / "contracts.index.json"


def applied_file(s: Settings) -> Path:
    """Where the instance keeps the index of the applied contracts."""
    return s.run / "contracts.applied.json"


def contracts(s: Settings) -> Mapping[str, Contract]:
    """Dataset id → contract, as the folder has it. Raises ContractErrors."""
    return load_index(s.contracts, index_file(s))


def applied(s: Settings) -> Mapping[str, Contract]:
    """Dataset id → contract, as it was applied: what runs follows these."""
    return load_index(applied_file(s))
