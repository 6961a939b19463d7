"""Write static quality pages: a front page, and one page per dataset with its checks and their outcomes.

They need no server: a browser opens the files. All text from data and contracts is escaped.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from headrace.contracts.contract import Contract
from headrace.planning.check_sql import promised_s, served_checks
from headrace.planning.checks import REFERENCE, Check, checks
from headrace.services.quality.outcomes import Zone
from headrace.services.quality.results import Latest, Results
from headrace.services.quality.served_view import FRESHNESS

TEMPLATE: Final = Path(__file__).with_name("page.html.j2")
RUNS: Final = 30
"""Number of runs that a page shows."""


class Declared(NamedTuple):
    """One check of a contract, described for people."""

    zone: Zone | None
    """None for a rule that only people can check."""
    name: str
    severity: str
    condition: str


class Row(NamedTuple):
    """One line of a dataset's page."""

    declared: Declared
    latest: Latest | None
    """None while the check has never run."""
    runs: list[bool]
    """Whether the check held, newest run last."""


class Page(NamedTuple):
    """Content of a dataset's page."""

    contract: Contract
    rows: list[Row]

    @property
    def broken(self) -> list[Row]:
        """Return the checks that did not hold in their last run."""
        return [row for row in self.rows if row.latest and not row.latest.passed]

    @property
    def state(self) -> str:
        """Return `error`, `warning`, `passed`, or `unknown` while no check has run."""
        if any(row.declared.severity == "error" for row in self.broken):
            return "error"
        if self.broken:
            return "warning"
        return "passed" if any(row.latest for row in self.rows) else "unknown"


def write_pages(folder: Path, contracts: Mapping[str, Contract], results: Results) -> Path:
    """Write all pages, each atomically; return the path of the front page."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = [_page(contract, results) for contract in contracts.values()]
    at = datetime.now(UTC)
    for page in pages:
        _write(folder / f"{page.contract.id}.html", page=page, at=at)
    front = folder / "index.html"
    _write(front, pages=pages, at=at)
    return front


def declared(contract: Contract) -> Iterator[Declared]:
    """Yield every check and rule of the contract, for each zone where it runs. Raises ValueError as `checks` does."""
    if "cleaned" in contract.zones:
        yield from (_declared("cleaned", check) for check in checks(contract))
    if contract.serving == "clickhouse":
        yield from (_declared("served", check) for check in served_checks(contract))
        for rule in (rule for rule in contract.quality if rule.kind == "sql"):
            yield Declared("served", rule.name, rule.severity, str(rule.definition["query"]))
        if (promised := promised_s(contract)) is not None:
            yield Declared("served", FRESHNESS, "warning", f"changes are readable within {promised:g} s")
    for rule in (rule for rule in contract.quality if rule.kind in ("text", "custom")):
        yield Declared(None, rule.name, rule.severity, str(rule.definition.get("description") or ""))


def _declared(zone: Zone, check: Check) -> Declared:
    if check.expectation == REFERENCE:
        mine, to = ", ".join(check.arguments["columns"]), ", ".join(check.arguments["to"])
        return Declared(zone, check.name, check.severity, f"{mine} is in {check.arguments['dataset']}: {to}")
    arguments = ", ".join(f"{name} {value}" for name, value in check.arguments.items() if value is not None)
    return Declared(zone, check.name, check.severity, f"{check.expectation.replace('_', ' ')}: {arguments}")


def _page(contract: Contract, results: Results) -> Page:
    latest = {(each.zone, each.rule): each for each in results.latest(contract.id)}
    runs: Mapping[Any, list[bool]] = results.history(contract.id, RUNS)
    rows = [
        Row(each, latest.get((each.zone, each.name)), runs.get((each.zone, each.name), [])[::-1])  # type: ignore[arg-type]
        for each in declared(contract)
    ]
    return Page(contract, rows)


def _write(path: Path, **content: Any) -> None:
    from jinja2 import Environment, StrictUndefined

    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    text = page.from_string(TEMPLATE.read_text()).render({"page": None, "pages": (), **content})
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    Path(temporary).chmod(0o644)
    Path(temporary).replace(path)
