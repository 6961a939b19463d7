"""What the tests of status share: the retail contracts, and a platform in which everything is in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.contracts.loading import load_contracts
from headrace.services.quality.results import Latest
from headrace.services.refinement.ledger import Last
from headrace.services.status.checks import summary
from headrace.services.status.jobs import Dags
from headrace.services.status.lake_rows import LakeRows
from headrace.services.status.overview import Observed, Overview, overview
from headrace.services.status.reasons import Known
from headrace.services.status.table import Hop, Hops
from headrace.systems.connect.status import ConnectorStatus
from headrace.systems.platform.alerts import Alert

INCLUDE = Path(__file__).parents[4] / "include"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
BEFORE = NOW - timedelta(minutes=3)
CONTRACTS: Mapping[str, Contract] = {contract.id: contract for contract in load_contracts(INCLUDE / "schemas")}
TRANSACTIONS, COUPONS, RETURN = "retail.transactions", "retail.coupons", "marts.coupon_return"
DEAD_LETTERS = "platform.dead_letters"
ROWS = 1_469_307
SQL = {
    c.id: (INCLUDE / "sql" / "marts" / f"{c.name}.sql").read_text() for c in CONTRACTS.values() if c.domain == "marts"
}
RUNS = {name: ConnectorStatus(name, "RUNNING", ("RUNNING",)) for name in ("cdc-oltp", "lake-retail")}


def alert(key: str, text: str = "it is wrong") -> dict[str, Alert]:
    return {key: Alert(key, "error", "", text, BEFORE, NOW, 1)}


def check(rule: str, severity: str, *, passed: bool, zone: Any = "served") -> Latest:
    unexpected, observed = (0, "") if passed else (3, 'such as {"basket_id": 7}')
    return Latest(zone, rule, severity, "e", passed, unexpected, observed, [], BEFORE)


def row(contract: Contract, **hops: Hop) -> Hops:
    at = Hop(rows=ROWS, changes=ROWS)
    cells = {"source": Hop(rows=ROWS), "kafka": at, "raw": at, "warehouse": at, **hops}
    return Hops(contract.id, **cells, fresh_p50_s=0.412, fresh_p95_s=0.83)


def well(*datasets: str) -> Observed:
    """Everything is refined, built, served and checked, of all retail datasets or of these."""
    chosen = contracts(*datasets)
    tables = [(c, zone) for c in chosen for zone in c.zones]
    lake = {names.lake_table(c, zone): 0 if zone == "quarantine" else ROWS for c, zone in tables}
    return Observed(
        Known(NOW, connectors=RUNS),
        hops=tuple(row(c) for c in chosen if c.source.kind == "cdc"),
        served={c.id: Hop(rows=ROWS) for c in chosen if c.source.kind in ("file", "mart")},
        lake=LakeRows(lake),
        last={c.id: Last(BEFORE, True, BEFORE, ROWS) for c in chosen if "cleaned" in c.zones},
        checks=summary([(TRANSACTIONS, check("key_unique", "error", passed=True))]),
        dags=Dags(),
    )


def contracts(*datasets: str) -> list[Contract]:
    return [CONTRACTS[dataset] for dataset in datasets or CONTRACTS]


def shown(seen: Observed, *datasets: str) -> Overview:
    return overview(seen, contracts(*datasets), SQL)


def with_rows(seen: Observed, **tables: int | None) -> Observed:
    """The lake tables, written as `zone__table`, have these rows; None: there is no such table."""
    changed = {name.replace("__", ".", 1): rows for name, rows in tables.items()}
    return replace(seen, lake=replace(seen.lake, rows={**seen.lake.rows, **changed}))


def with_last(seen: Observed, dataset: str, **changes: Any) -> Observed:
    assert seen.last is not None
    return replace(seen, last={**seen.last, dataset: seen.last[dataset]._replace(**changes)})
