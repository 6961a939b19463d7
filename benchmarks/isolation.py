"""Isolation: how fresh the other datasets are while one is in trouble, stage by stage."""

from __future__ import annotations

import shutil
from typing import Any, Final

from benchmarks.context import Context
from benchmarks.figure import Figure
from benchmarks.stats import spread
from tests.isolation.shop import SICK, WELL, open_shop
from tests.isolation.troubles import TROUBLES
from tests.support.live_shop import wait_until

REPETITIONS = 3
ROWS: Final = 300
"""Of each of the two datasets that trade on, before a trouble and during it."""
REPORTED_WITHIN_S: Final = 120.0
METHOD = (
    "A source database, a domain, connectors and a stream of their own hold three datasets; two of them get a row each every "
    "20 ms or somewhat more. Freshness is the time from a row's commit to the warehouse's insert. It is measured while all is "
    "well, then again from the moment at which the third dataset gets into trouble: a number that is NaN and a truncation "
    "(capture), a raw table that is gone (sink), a changes table in the warehouse that is gone (stream), a contract that "
    "the source cannot keep (plan). A run counts only when every row of the two was served and landed, the trouble was told, "
    "and the third dataset came back. `tests/isolation` holds the troubles."
)
FIGURES = tuple(
    Figure(
        f"freshness p95 of the others, trouble at {trouble.stage} ÷ before", f"{trouble.stage}.ratio", "ratio", "≤ 2"
    )
    for trouble in TROUBLES
)


def run(context: Context) -> dict[str, Any]:
    """Every trouble once: milliseconds before and during it."""
    home = context.settings.home / "isolation"
    shutil.rmtree(home, ignore_errors=True)
    rows, found = context.amount(ROWS, 10), dict[str, Any]()
    with open_shop(context.settings, home) as shop:
        shop.trade(rows, (SICK, *WELL))
        for trouble in TROUBLES:
            before = spread(shop.trade(rows))
            trouble.begin(shop)
            during = spread(shop.trade(rows))
            wait_until(lambda t=trouble: t.is_reported(shop), REPORTED_WITHIN_S, f"no report of {trouble.stage}")  # type: ignore[misc]
            trouble.mend(shop)
            shop.trade(1, (SICK, *WELL))
            ratio = round(during["p95"] / before["p95"], 2)
            found[trouble.stage] = {"before_ms": before, "during_ms": during, "ratio": ratio}
            context.report(f"{trouble.stage}: p95 {before['p95']:.0f} ms before, {during['p95']:.0f} ms during")
    return found
