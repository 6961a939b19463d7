"""Compiled index of all contracts: one JSON file that replaces parsing YAML with pydantic.

DAG files call `load_index`. It reads the index, compares modification time and size of every contract file, re-reads
only the changed datasets, and rewrites the index. It imports heavy modules only when something changed, and builds a
contract only on first access.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from headrace.contracts.applied import SUFFIX, read_applied
from headrace.contracts.codec import decode_contract, encode_contract
from headrace.contracts.contract import Contract

ENVIRONMENT: Final = "HEADRACE_INDEX"
"""Environment variable with the path of the index."""

FOLDER_ENVIRONMENT: Final = "HEADRACE_CONTRACTS"
"""Environment variable with the folder of the contracts."""

SUFFIXES: Final = (".avsc", ".odcs.yaml")
SETTLED_S: Final = 0.1
"""Minimum age of a settled file, in seconds.

A younger file may change again within one tick of the file system's clock, so it is re-read the next time.
"""

Stamp: TypeAlias = list[list[Any]]
"""[file name, modification time in ns, size] of each file of one dataset."""


class ContractIndex(Mapping[str, Contract]):
    """Mapping of dataset id to contract, in order of id. Each contract is built on first access."""

    def __init__(self, encoded: Mapping[str, Any]) -> None:
        self._encoded = encoded
        self._built: dict[str, Contract] = {}

    def __getitem__(self, dataset: str) -> Contract:
        if dataset not in self._built:
            self._built[dataset] = decode_contract(self._encoded[dataset])
        return self._built[dataset]

    def __iter__(self) -> Iterator[str]:
        return iter(self._encoded)

    def __len__(self) -> int:
        return len(self._encoded)


def load_index(root: Path, location: Path | None = None) -> Mapping[str, Contract]:
    """Return all contracts under `root` by dataset id. Raises `ContractErrors` when a file is wrong.

    When `root` is the index of the applied contracts (`contracts.applied`), return the contracts in it. The index is
    stored at `location`, else at `HEADRACE_INDEX`, else in `.headrace/` of the project whose `include/schemas` is
    `root`.
    When the index cannot be written, the contracts are returned without it.
    """
    if root.suffix == SUFFIX:
        return ContractIndex(read_applied(root))
    root = root.resolve()
    place = location or index_path(root)
    began_ns = time.time_ns()  # a file that changes after its stamp is read, must be read again
    stamps = _stamps(root)
    header = {"code": _code_stamp(), "root": str(root)}
    stored = _read(place)
    if stored and all(stored.get(name) == value for name, value in header.items()):
        if stored["stamps"] == stamps:
            return ContractIndex(stored["contracts"])
    else:
        stored = None
    encoded = _compile(root, stamps, stored)
    _write(place, {**header, "stamps": _settled(stamps, began_ns), "contracts": encoded})
    return ContractIndex(encoded)


def contracts_folder(project: Path) -> Path:
    """Return the contracts folder of a project: HEADRACE_CONTRACTS, else `include/schemas`."""
    configured = os.environ.get(FOLDER_ENVIRONMENT)
    return Path(configured) if configured else project / "include" / "schemas"


def index_path(root: Path) -> Path:
    """Return the default path of the index of `root`."""
    configured = os.environ.get(ENVIRONMENT)
    return Path(configured) if configured else root / "../../.headrace/contracts.index.json"


def _compile(root: Path, stamps: Mapping[str, Stamp], stored: Mapping[str, Any] | None) -> dict[str, Any]:
    """Read the changed datasets and keep the others. Run the checks between datasets on all of them."""
    from headrace.contracts import loading
    from headrace.errors import ContractError, ContractErrors

    errors: list[ContractError] = []
    contracts: list[Contract] = []
    known = stored["stamps"] if stored else {}
    for pair in loading.find_pairs(root):
        dataset = f"{pair.domain}.{pair.dataset}"
        if stored and dataset in stored["contracts"] and known[dataset] == stamps.get(dataset):
            contracts.append(decode_contract(stored["contracts"][dataset]))
        elif (contract := loading.read_pair(root, pair, errors)) is not None:
            contracts.append(contract)
    errors.extend(loading.between(contracts, all_read=not errors))
    if errors:
        raise ContractErrors(errors)
    return {contract.id: encode_contract(contract) for contract in contracts}


def _stamps(root: Path) -> dict[str, Stamp]:
    """Return dataset id → stamp, for every dataset that has a file."""
    stamps: dict[str, Stamp] = {}
    if not root.is_dir():
        return stamps
    with os.scandir(root) as domains:
        folders = sorted(entry.name for entry in domains if entry.is_dir())
    for domain in folders:
        if domain.startswith((".", "_")):
            continue
        with os.scandir(root / domain) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.endswith(SUFFIXES):
                    status = entry.stat()
                    dataset = f"{domain}.{entry.name.partition('.')[0]}"
                    stamp = [entry.name, status.st_mtime_ns, status.st_size]
                    stamps.setdefault(dataset, []).append(stamp)
    return stamps


def _settled(stamps: Mapping[str, Stamp], now_ns: int) -> dict[str, Stamp]:
    """Return the stamps to store. A dataset with a file that may still change gets an empty stamp."""
    limit = now_ns - int(SETTLED_S * 1e9)
    return {
        dataset: stamp if all(modified < limit for _, modified, _ in stamp) else [] for dataset, stamp in stamps.items()
    }


def _code_stamp() -> list[int]:
    """Return a stamp of this package's code. Changed code may read the same files differently."""
    statuses = [path.stat() for path in Path(__file__).parent.rglob("*.py")]
    return [max(s.st_mtime_ns for s in statuses), sum(s.st_size for s in statuses)]


def _read(place: Path) -> dict[str, Any] | None:
    try:
        stored = json.loads(place.read_bytes())
    except (OSError, ValueError):
        return None
    return stored if isinstance(stored, dict) else None


def _write(place: Path, content: Mapping[str, Any]) -> None:
    """Write the index atomically, so that readers never see a partial file."""
    temporary = None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=place.parent, prefix=f"{place.name}.")
        os.fchmod(descriptor, 0o644)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, separators=(",", ":"), ensure_ascii=False)
        Path(temporary).replace(place)
    except OSError:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
