"""Read and write the index of the applied contracts: one JSON file that all running processes read.

`apply_contracts` writes it from the record in the platform's database. Edits in the contracts folder have no effect on
running processes until they are applied.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

ENVIRONMENT: Final = "HEADRACE_APPLIED"
"""Environment variable with the path of the index of applied contracts."""
SUFFIX: Final = ".json"
"""File suffix that distinguishes the index from a folder of contracts."""


def applied_index(project: Path) -> Path:
    """Return the path of the index: HEADRACE_APPLIED, else `.headrace/` of the project."""
    configured = os.environ.get(ENVIRONMENT)
    return Path(configured) if configured else project / ".headrace" / "contracts.applied.json"


def read_applied(place: Path) -> Mapping[str, Any]:
    """Return dataset id → encoded contract. Return an empty mapping when no contract was applied yet."""
    try:
        content = json.loads(place.read_bytes())
    except FileNotFoundError:
        return {}
    found: Mapping[str, Any] = content["contracts"]
    return found


def write_applied(place: Path, contracts: Mapping[str, Any]) -> None:
    """Write the index atomically, so that readers never see a partial file. Raises OSError."""
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
