"""What ClickHouse does for who has no user, and for an analyst."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from headrace.errors import SystemRefused
from headrace.systems.warehouse.hook import WarehouseHook
from tests.conftest import Stack


@pytest.mark.parametrize(
    "statement",
    ["SYSTEM STOP LISTEN HTTP", "SYSTEM STOP LISTEN TCP", "SHOW DATABASES", "SELECT count() FROM numbers(10)"],
)
def test_clickhouse_answers_nobody_without_a_user(stack: Stack, statement: str) -> None:
    """Also not a form of a page in a local browser, which comes as plain text. A SELECT of constants is all that is left."""
    base = f"http://{stack.settings.bind}:{stack.settings.port('CLICKHOUSE')}"
    for headers in ({}, {"Content-Type": "text/plain", "Origin": "https://elsewhere.example"}):
        answer = httpx.post(base, content=statement, headers=headers, timeout=10)
        assert answer.status_code >= 400, answer.text
    assert httpx.get(f"{base}/ping", timeout=10).text == "Ok.\n"


@pytest.fixture
def analyst(stack: Stack) -> WarehouseHook:
    return WarehouseHook(
        replace(stack.clickhouse, login="analyst", password=stack.settings["HEADRACE_PASSWORD_ANALYST"])
    )


@pytest.mark.parametrize(
    "table",
    [
        "system.users",
        "system.processes",
        "system.parts",
        "lake.`raw.retail_products`",
        "lake.`quarantine.retail_products`",
    ],
)
def test_an_analyst_reads_neither_the_server_nor_raw(analyst: WarehouseHook, table: str) -> None:
    with pytest.raises(SystemRefused, match=r"497|Not enough privileges"):
        analyst.rows(f"SELECT count() FROM {table}")


@pytest.mark.parametrize(
    "table", ["retail.products", "metrics.sales_by_minute_store", "lake.`cleaned.retail_products`"]
)
def test_an_analyst_reads_what_is_served(analyst: WarehouseHook, table: str) -> None:
    ((count,),) = analyst.rows(f"SELECT count() FROM {table}")
    assert count >= 0
