"""Read and check contract files: `<root>/<domain>/<dataset>.avsc` and `<dataset>.odcs.yaml` beside it.

All violations in all files are reported, not only the first one. That is slow: use it after contract files have changed.
Code that runs often, such as a DAG file, reads the index of the applied contracts (`index.py`).
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from headrace.contracts import avro, names
from headrace.contracts.contract import Contract
from headrace.contracts.documents import MOST_BYTES, Document, read_json, read_yaml
from headrace.contracts.odcs import read_contract
from headrace.contracts.odcs_model import model_errors
from headrace.contracts.references import unresolved
from headrace.contracts.retention import unmet_needs
from headrace.errors import ContractError, ContractErrors

SHAPE: Final = ".avsc"
TERMS: Final = ".odcs.yaml"
RESERVED_DOMAINS: Final = frozenset(
    {"system", "default", "information_schema", "metrics", "customers", "features", "quality"}
)
"""Databases of ClickHouse and of Headrace. No domain may have these names."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


class Pair(NamedTuple):
    """Paths of a dataset's two files: the Avro schema (`shape`) and the Open Data Contract (`terms`). One may be missing."""

    domain: str
    dataset: str
    shape: Path
    terms: Path


@dataclass(frozen=True, slots=True)
class Folder:
    """Result of reading a contracts folder, including datasets with invalid files."""

    contracts: Mapping[str, Contract]
    """Dataset id → contract, for datasets that could be read."""
    texts: Mapping[str, tuple[str, str]]
    """Dataset id → the texts of its .avsc and its .odcs.yaml, as read."""
    errors: Mapping[str, tuple[ContractError, ...]]
    """Dataset id → every broken rule of its files, for datasets that could not be read."""


def read_folder(root: Path) -> Folder:
    """Read each dataset separately, so that invalid files of one do not affect the others. Errors are in the result.

    Raises `ContractErrors` when the folder does not exist.
    """
    contracts: dict[str, Contract] = {}
    texts: dict[str, tuple[str, str]] = {}
    broken: dict[str, tuple[ContractError, ...]] = {}
    for pair in find_pairs(root):
        errors: list[ContractError] = []
        read: dict[Path, str] = {}
        contract = read_pair(root, pair, errors, read)
        dataset = names.dataset_id(pair.domain, pair.dataset)
        if contract is None:
            broken[dataset] = tuple(errors)
        else:
            contracts[dataset] = contract
            texts[dataset] = read[pair.shape], read[pair.terms]
    return Folder(contracts, texts, broken)


def load_contracts(root: Path) -> tuple[Contract, ...]:
    """Return all contracts under `root` in order of id. Raises `ContractErrors` with every broken rule."""
    errors: list[ContractError] = []
    contracts = [read_pair(root, pair, errors) for pair in find_pairs(root)]
    loaded = tuple(contract for contract in contracts if contract is not None)
    errors.extend(between(loaded, all_read=not errors))
    if errors:
        raise ContractErrors(errors)
    return loaded


def find_pairs(root: Path) -> Iterator[Pair]:
    """Yield every dataset that has at least one file, in order of id."""
    require_folder(root)
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        if folder.name.startswith((".", "_")):
            continue
        datasets = {
            path.name.removesuffix(suffix)
            for path in folder.iterdir()
            for suffix in (SHAPE, TERMS)
            if path.name.endswith(suffix)
        }
        for dataset in sorted(datasets):
            shape, terms = folder / f"{dataset}{SHAPE}", folder / f"{dataset}{TERMS}"
            yield Pair(folder.name, dataset, shape, terms)


def read_pair(
    root: Path, pair: Pair, errors: list[ContractError], texts: dict[Path, str] | None = None
) -> Contract | None:
    """Read one dataset's files. Return None when a rule is broken.

    Broken rules are added to `errors`, and the texts that were read to `texts`.
    """
    before = len(errors)
    _check_names(root, pair, errors)
    try:
        contract = _read_pair(root, pair, errors, {} if texts is None else texts)
    except Exception as error:  # any exception is an error of this file
        what = f"it cannot be read ({type(error).__name__}: {error}); compare it with docs/reference/contracts.md"
        errors.append(ContractError(shown(root, pair.terms), 1, "unreadable", what))
    return contract if len(errors) == before else None


def _read_pair(root: Path, pair: Pair, errors: list[ContractError], texts: dict[Path, str]) -> Contract | None:
    shape = _read(root, pair.shape, errors, texts)
    terms = _read(root, pair.terms, errors, texts)
    contract = None
    record = avro.read_record(shape, errors) if shape else None
    if terms:
        faults = list(model_errors(terms))
        errors.extend(faults)
        if shape and not faults:
            dataset_id = names.dataset_id(pair.domain, pair.dataset)
            contract = read_contract(terms, shape, record, dataset_id, errors)
    return contract


def read_texts(dataset: str, shape: str, terms: str) -> Contract:
    """Return the contract of a dataset's two texts. Raises `ContractErrors`."""
    domain, name = dataset.split(".", 1)
    with TemporaryDirectory() as folder:
        pair = Pair(domain, name, Path(folder) / f"{name}{SHAPE}", Path(folder) / f"{name}{TERMS}")
        pair.shape.write_text(shape, encoding="utf-8")
        pair.terms.write_text(terms, encoding="utf-8")
        errors: list[ContractError] = []
        contract = read_pair(Path(folder), pair, errors)
    if contract is None:
        raise ContractErrors(errors)
    return replace(contract, path=f"include/schemas/{domain}/{name}{SHAPE}")


def between(contracts: Sequence[Contract], *, all_read: bool) -> Iterator[ContractError]:
    """Yield the errors between datasets.

    These are name collisions and, when all datasets could be read, unresolved references and unmet needs.
    """
    yield from collisions(contracts)
    if all_read:
        yield from unresolved(contracts)
        yield from unmet_needs(contracts)


def collisions(contracts: Iterable[Contract]) -> Iterator[ContractError]:
    """Yield datasets that would share a topic, a lake table or warehouse tables."""
    taken: dict[tuple[str, str], str] = {}
    for contract in contracts:
        for kind, name in _claims(contract):
            other = taken.setdefault((kind, name), contract.id)
            if other != contract.id:
                what = f"{contract.id} and {other} would share the {kind} {name}; rename one of them"
                yield ContractError(contract.path, 1, "collision", what)


def _claims(contract: Contract) -> Iterator[tuple[str, str]]:
    if contract.streamed:
        yield "topic", names.topic(contract)
    yield from (("lake table", names.lake_table(contract, zone)) for zone in contract.zones)
    for table in (names.state_table, names.changes_table, names.view):
        yield "warehouse table", table(contract)


def _check_names(root: Path, pair: Pair, errors: list[ContractError]) -> None:
    path = shown(root, pair.shape)
    for what, name in (("domain", pair.domain), ("dataset", pair.dataset)):
        if not _NAME.fullmatch(name):
            message = f"{name!r} cannot name a {what}; use lower-case letters, digits and _"
            errors.append(ContractError(path, 1, "name", message))
    if pair.domain in RESERVED_DOMAINS:
        message = f"the domain {pair.domain!r} is a database of the platform; choose another name"
        errors.append(ContractError(path, 1, "name", message))


def _read(root: Path, path: Path, errors: list[ContractError], texts: dict[Path, str]) -> Document | None:
    name = shown(root, path)
    reader = read_json if path.name.endswith(SHAPE) else read_yaml
    try:
        texts[path] = _text(path)
        return reader(name, texts[path])
    except FileNotFoundError:
        message = "the file is missing; a dataset has two files: add this one, or remove the other"
        errors.append(ContractError(name, 1, "missing", message))
    except (OSError, UnicodeDecodeError) as error:
        message = f"the file cannot be read ({error}); make it readable UTF-8 text"
        errors.append(ContractError(name, 1, "unreadable", message))
    except ContractErrors as error:
        errors.extend(error.errors)
    return None


def _text(path: Path) -> str:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # reading a pipe could block for ever
        raise OSError("it is not a regular file")
    if status.st_size > MOST_BYTES:
        raise OSError(f"it has {status.st_size:,} bytes; at most {MOST_BYTES:,} are read")
    return path.read_text(encoding="utf-8")


def require_folder(root: Path) -> None:
    """Raise `ContractErrors` unless `root` is a folder."""
    if not root.is_dir():
        message = "the folder does not exist; create it, with one folder per domain"
        raise ContractErrors([ContractError(root.as_posix(), 1, "missing", message)])


def shown(root: Path, path: Path) -> str:
    """Return the file's name for messages: relative to the project when `root` is its `include/schemas`."""
    if root.parts[-2:] == ("include", "schemas"):
        return path.relative_to(root.parents[1]).as_posix()
    return path.as_posix()
