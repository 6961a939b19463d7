"""Static pages of quality: a front page, and one page a dataset with its checks and what came of them.

They need no server: a browser opens the files. Whatever data or contracts say is escaped.
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
"""How many runs back a page shows."""


class Declared(NamedTuple):
    """One check of a contract, for people."""

    zone: Zone | None
    """None for a rule that only people can ask."""
    name: str
    severity: str
    asks: str


class Row(NamedTuple):
    """One line of a dataset's page."""

    declared: Declared
    latest: Latest | None
    """None while it was never asked."""
    runs: list[bool]
    """Whether it held, newest last."""


class Page(NamedTuple):
    """What is told of a dataset."""

    contract: Contract
    rows: list[Row]

    @property
    def broken(self) -> list[Row]:
        """Checks that did not hold when they were asked last."""
        return [row for row in self.rows if row.latest and not row.latest.passed]

    @property
    def state(self) -> str:
        """`error`, `warning`, `passed`, or `unknown` while nothing was asked."""
        if any(row.declared.severity == "error" for row in self.broken):
            return "error"
        if self.broken:
            return "warning"
        return "passed" if any(row.latest for row in self.rows) else "unknown"


def write_pages(folder: Path, contracts: Mapping[str, Contract], results: Results) -> Path:
    """Writes all pages anew, each whole or not at all; the front page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = [_page(contract, results) for contract in contracts.values()]
    at = datetime.now(UTC)
    for page in pages:
        _write(folder / f"{page.contract.id}.html", page=page, at=at)
    front = folder / "index.html"
    _write(front, pages=pages, at=at)
    return front


def declared(contract: Contract) -> Iterator[Declared]:
    """Every check and rule of the contract in each place where it is asked. Raises ValueError as `checks` does."""
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
    said = ", ".join(f"{name} {value}" for name, value in check.arguments.items() if value is not None)
    return Declared(zone, check.name, check.severity, f"{check.expectation.replace('_', ' ')}: {said}")


def _page(contract: Contract, results: Results) -> Page:
    latest = {(each.zone, each.rule): each for each in results.latest(contract.id)}
    runs: Mapping[Any, list[bool]] = results.history(contract.id, RUNS)
    rows = [
        Row(each, latest.get((each.zone, each.name)), runs.get((each.zone, each.name), [])[::-1])  # type: ignore[arg-type]
        for each in declared(contract)
    ]
    return Page(contract, rows)


def _write(path: Path, **told: Any) -> None:
    from jinja2 import Environment, StrictUndefined

    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    text = page.from_string(TEMPLATE.read_text()).render({"page": None, "pages": (), **told})
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    Path(temporary).chmod(0o644)
    Path(temporary).replace(path)
