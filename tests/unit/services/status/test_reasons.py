"""Each cell that is empty or behind says which, why, since when and what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headrace.services.status.reasons import Known, reasons
from headrace.services.status.table import Hop, Hops, to_json
from headrace.systems.connect.status import ConnectorStatus, parse_status
from headrace.systems.platform.alerts import Alert
from headrace.systems.spark.store import Pulse
from tests.unit.planning.cases import LINES

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SINCE = NOW - timedelta(hours=1)
WHOLE, BEHIND = Hop(rows=5, changes=5), Hop(rows=4, changes=4)
RUNS = {name: ConnectorStatus(name, "RUNNING", ("RUNNING",)) for name in ("cdc-oltp", "lake-retail")}


def pulse(**changes: Any) -> Pulse:
    values = {
        "query": "cdc", "plan_version": "v", "state": "running", "rows": 1, "rows_total": 1, "lag": 0, "dead_letters": 0,
        "drift": "", "last_error": "", "age_s": 1.0, "started_at": NOW,
    }  # fmt: skip
    return Pulse(**(values | changes))  # type: ignore[arg-type]


WELL = Known(NOW, connectors=RUNS, pulses={"retail": [pulse()]})


def alert(key: str) -> dict[str, Alert]:
    return {key: Alert(key, "error", "", "it is wrong", SINCE, NOW, 1)}


def row(**hops: Hop) -> Hops:
    cells = {"source": Hop(rows=5), "kafka": WHOLE, "raw": WHOLE, "warehouse": WHOLE, **hops}
    return Hops(LINES.id, **cells)


def failed(name: str) -> ConnectorStatus:
    task = {"id": 0, "state": "FAILED", "trace": "ConnectException: no\nCaused by: permission denied"}
    return parse_status({"name": name, "connector": {"state": "RUNNING"}, "tasks": [task]})


def test_equal_hops_need_no_reason() -> None:
    assert reasons(LINES, row(), replace(WELL, paused=["stream_retail"])) == ()


@pytest.mark.parametrize(
    ("table", "known", "hop", "why", "since", "next_step"),
    [
        (row(source=Hop(error="table x is not there")), WELL, "source", "table x is not there", None, ""),
        (row(kafka=BEHIND), replace(WELL, connectors={**RUNS, "cdc-oltp": failed("cdc-oltp")}, alerts=alert("connector:cdc-oltp")),
         "kafka", "permission denied", SINCE, "fix the cause"),
        (row(raw=BEHIND), replace(WELL, connectors={**RUNS, "lake-retail": ConnectorStatus("lake-retail", "PAUSED", ("PAUSED",))}),
         "raw", "lake-retail is PAUSED", None, "resume lake-retail"),
        (row(raw=BEHIND), replace(WELL, connectors={**RUNS, "lake-retail": None}), "raw", "no connector", None, "apply_contracts"),
        (row(raw=BEHIND), replace(WELL, connect_error="refused"), "raw", "does not answer: refused", None, "logs connect"),
        (row(warehouse=BEHIND), replace(WELL, paused=["stream_retail"]), "warehouse", "stream_retail is paused", None, "unpause"),
        (row(warehouse=BEHIND), replace(WELL, pulses={"retail": []}), "warehouse", "never sent a heartbeat", None, "logs stream-retail"),
        (row(warehouse=BEHIND), replace(WELL, pulses={"retail": [pulse(age_s=3600.0)]}), "warehouse", "stalled", SINCE, "logs"),
        (row(warehouse=BEHIND), replace(WELL, pulses={"retail": [pulse(state="down", last_error="boom")]}, alerts=alert("stream:retail")),
         "warehouse", "is down: boom", SINCE, "logs stream-retail"),
        (row(warehouse=BEHIND), replace(WELL, pulses={"retail": [pulse(lag=7)]}), "warehouse", "7 records to read", None, "run status again"),
        (row(raw=replace(BEHIND, waiting=1)), WELL, "raw", "1 dead letter waits", None, "replay_dead_letters"),
        (row(kafka=BEHIND), replace(WELL, alerts=alert("slot:headrace_oltp")), "kafka", "it is wrong", SINCE, "troubleshoot"),
        (row(raw=BEHIND), replace(WELL, alerts=alert(f"sink:{LINES.id}")), "raw", "it is wrong", SINCE, "troubleshoot"),
        (row(warehouse=BEHIND), replace(WELL, alerts=alert("stream:retail/cdc:oltp.retail.basket_lines")),
         "warehouse", "it is wrong", SINCE, "troubleshoot"),
        (row(warehouse=BEHIND), WELL, "warehouse", "on their way", None, "run status again"),
    ],
)  # fmt: skip
def test_a_cell_has_its_reason(table: Hops, known: Known, hop: str, why: str, since: Any, next_step: str) -> None:
    found = [reason for reason in reasons(LINES, table, known) if reason.hop == hop]
    assert any(why in r.why and r.since == since and next_step in r.next_step for r in found), found
    shown = to_json([replace(table, reasons=tuple(found))])[LINES.id]["reasons"]
    assert {"hop", "why", "since", "next"} == shown[0].keys()
