"""The contracts of an instance, from its compiled index."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from headrace.contracts.contract import Contract
from headrace.contracts.index import load_index
from include.stack.settings import Settings


def index_file(s: Settings) -> Path:
    """Where the instance keeps the index; its Airflow reads the same one."""
    return s.run / "contracts.index.json"


def contracts(s: Settings) -> Mapping[str, Contract]:
    """Dataset id → contract. Raises ContractErrors."""
    return load_index(s.contracts, index_file(s))
