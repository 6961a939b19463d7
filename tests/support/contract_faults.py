"""What is wrong with contracts on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.contracts.loading import load_contracts
from headrace.errors import ContractErrors


def faults_of(root: Path) -> list[str]:
    """Every fault of the contracts under `root`, of which there is at least one."""
    with pytest.raises(ContractErrors) as raised:
        load_contracts(root)
    return [str(error) for error in raised.value.errors]
