"""The index of the contracts as they were applied: one JSON file, which everything that runs reads.

`apply_contracts` writes it from the record in the platform's database. What stands in the folder of the contracts, edited
or half edited, changes nothing that runs.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

ENVIRONMENT: Final = "HEADRACE_APPLIED"
"""Environment variable: where the index of the applied contracts is kept."""
SUFFIX: Final = ".json"
"""What tells the index from a folder of contracts."""


def applied_index(project: Path) -> Path:
    """Where the index is: where HEADRACE_APPLIED says, else in `.headrace/` of the project."""
    configured = os.environ.get(ENVIRONMENT)
    return Path(configured) if configured else project / ".headrace" / "contracts.applied.json"


def read_applied(place: Path) -> Mapping[str, Any]:
    """Dataset id → contract as the codec encodes it; empty where nothing was applied yet."""
    try:
        content = json.loads(place.read_bytes())
    except FileNotFoundError:
        return {}
    found: Mapping[str, Any] = content["contracts"]
    return found


def write_applied(place: Path, contracts: Mapping[str, Any]) -> None:
    """Write the index whole or not at all: readers never see half of it. Raises OSError."""
    place.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=place.parent, prefix=f"{place.name}.")
    try:
        os.fchmod(descriptor, 0o644)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"contracts": dict(sorted(contracts.items()))}, file, separators=(",", ":"), ensure_ascii=False)
        Path(temporary).replace(place)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
