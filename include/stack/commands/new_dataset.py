"""`./headrace new dataset`: write the two files of a contract, and show the plan for it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.contracts.loading import read_folder, read_texts
from headrace.errors import HeadraceError
from headrace.planning.render import render
from headrace.services.apply.engine import PlanRequest, observe
from headrace.services.drafting.draft import Draft
from headrace.services.drafting.from_records import from_records
from headrace.services.drafting.from_table import from_table
from headrace.systems.bundle import plan_settings
from headrace.systems.endpoint import Endpoint
from headrace.systems.oltp.drift import Source, statements
from headrace.systems.oltp.hook import OltpHook
from headrace.systems.platform.applied import AppliedRecord
from include.stack.databases import superuser_dsn
from include.stack.endpoints import endpoints, systems
from include.stack.settings import Settings

DATASET: Final = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
TABLE: Final = re.compile(r"([a-z][a-z0-9_]*):([a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*)")
DSN: Final = "HEADRACE_SOURCE_DSN"
"""Environment variable: DSN of a source database other than the local one."""
MOST_SAMPLES: Final = 10_000


class CannotDraft(HeadraceError):
    """A contract cannot be drafted; the message says why and what to do."""


class Written(NamedTuple):
    """A contract that was written."""

    files: tuple[Path, Path]
    draft: Draft
    sql: tuple[str, ...]
    """Statements that the source database needs before the plan can be applied."""


def write_from_table(s: Settings, dataset: str, place: str, team: str) -> Written:
    """Write the contract of a table, `connection:schema.table`. Raises CannotDraft, SystemUnavailable, SystemRefused."""
    found = TABLE.fullmatch(place)
    if not found:
        raise CannotDraft(f"--from-table is {place!r}; write connection:schema.table, such as oltp:retail.products")
    connection, table = found.groups()
    hook = OltpHook(_source(s, connection))
    described = hook.described(table)
    if described is None:
        raise CannotDraft(f"{hook.address} has no table {table}: check the name, or create the table first")
    try:
        draft = from_table(dataset, connection, table, *described, team)
    except ValueError as why:
        raise CannotDraft(str(why)) from why
    files, contract = _write(s, dataset, draft)
    source = Source(hook.publication(names.publication(connection)), empty_enums=hook.empty_enums())
    return Written(files, draft, statements(contract, hook.tables([table], source.role).get(table), source))


def write_from_records(s: Settings, dataset: str, sample: Path, key: Sequence[str], team: str) -> Written:
    """Write the contract of events like those of a file: a JSON array, or one JSON object per line. Raises CannotDraft."""
    try:
        draft = from_records(dataset, _records(sample), key, team)
    except ValueError as why:
        raise CannotDraft(f"{sample}: {why}") from why
    return Written(_write(s, dataset, draft)[0], draft, ())


def plan(s: Settings, dataset: str) -> str:
    """Return the plan for the dataset as text; nothing is changed. Raises SystemUnavailable where a system is not up."""
    folder, stack = read_folder(s.contracts), systems(s)
    every = {**AppliedRecord(stack.platform).contracts(), **folder.contracts}
    request = PlanRequest(tuple(every.values()), datasets=(dataset,))
    return render(observe(stack, request, plan_settings(endpoints(s))).plan())


def _source(s: Settings, connection: str) -> Endpoint:
    if connection == "oltp":
        return Endpoint.from_url(superuser_dsn(s, "oltp"))
    if dsn := os.environ.get(DSN):
        return Endpoint.from_url(dsn)
    raise CannotDraft(
        f"the address of {connection} is not known: set {DSN} to postgresql://user:password@host:port/database"
    )


def _records(sample: Path) -> list[Any]:
    try:
        text = sample.read_text()
    except OSError as why:
        raise CannotDraft(f"the sample cannot be read: {why}") from why
    try:
        whole = json.loads(text)
        records = whole if isinstance(whole, list) else [whole]
    except ValueError:
        records = [json.loads(line) for line in text.splitlines()[:MOST_SAMPLES] if line.strip()]
    if not all(isinstance(record, dict) for record in records):
        raise ValueError("each record of the sample must be a JSON object")
    return records[:MOST_SAMPLES]


def _write(s: Settings, dataset: str, draft: Draft) -> tuple[tuple[Path, Path], Contract]:
    """Write both files; return them and their contract. Raises CannotDraft where one is there, ContractErrors where they would not load."""
    if not DATASET.fullmatch(dataset):
        raise CannotDraft(f"the dataset is {dataset!r}; write domain.name in lower case, such as retail.products")
    domain, _, name = dataset.partition(".")
    folder = s.contracts / domain
    files = folder / f"{name}.avsc", folder / f"{name}.odcs.yaml"
    contract = read_texts(dataset, draft.shape, draft.terms)
    if there := [file for file in files if file.exists()]:
        raise CannotDraft(f"{there[0]} exists already: edit it, or choose another name")
    folder.mkdir(parents=True, exist_ok=True)
    files[0].write_text(draft.shape)
    files[1].write_text(draft.terms)
    return files, contract
