"""The oracle over the hops of the running stack: what is committed = what is served = what the lake holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.shop.engines.clickhouse import clickhouse_fingerprints
from include.shop.engines.lake import lake_fingerprints
from include.shop.engines.postgres import postgres_fingerprints
from include.shop.oracle import Comparison, await_equal
from include.shop.shape import read_shapes

if TYPE_CHECKING:
    from tests.conftest import Stack

EQUAL_WITHIN_S = 180


def judge(stack: Stack) -> Comparison:
    """Whether the hops hold the same, once they do or time is up."""
    return await_equal(lambda: _fingerprints(stack), timeout_s=EQUAL_WITHIN_S)


def _fingerprints(stack: Stack) -> dict[str, dict[str, object]]:
    """The fingerprints of every dataset, hop by hop; the source first."""
    wanted = tuple(read_shapes(stack.settings.contracts).values())
    systems = stack.systems
    return {
        "source": postgres_fingerprints(stack.oltp_dsn, wanted),
        "warehouse": clickhouse_fingerprints(systems.warehouse.client, wanted),
        "raw": lake_fingerprints(systems.lake.catalog, wanted),
    }
