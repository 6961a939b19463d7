"""Contracts of an instance: those in its folder and those applied."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from headrace.contracts.contract import Contract
from headrace.contracts.index import load_index
from include.stack.settings import Settings


def index_file(s: Settings) -> Path:
    """Return the path of the index of the contracts folder; Airflow reads the same file."""
    return s.run / "contracts.index.json"


def applied_file(s: Settings) -> Path:
    """Return the path of the index of the applied contracts."""
    return s.run / "contracts.applied.json"


def contracts(s: Settings) -> Mapping[str, Contract]:
    """Return dataset id → contract from the folder. Raises ContractErrors."""
    return load_index(s.contracts, index_file(s))


def applied(s: Settings) -> Mapping[str, Contract]:
    """Return dataset id → contract as last applied; the running systems follow these."""
    return load_index(applied_file(s))
