"""The whole of `./headrace demo`, unattended: its end state, its removal, and a second run on what the removal left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from include.stack.commands.demo import clean_up, demo, is_ready
from include.stack.contracts import applied
from include.stack.demo import orders
from include.stack.demo.rules import ALERT
from tests.conftest import Stack

pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.timeout(2400)]


@pytest.fixture
def shown(stack: Stack) -> Iterator[list[str]]:
    """Progress lines of the demo. Afterwards its dataset is removed."""
    lines = list[str]()
    yield lines
    clean_up(stack.settings, lines.append)


def test_the_demo_runs_unattended_and_leaves_equal_counts_and_no_open_alert(stack: Stack, shown: list[str]) -> None:
    assert is_ready(stack.settings)
    driver = stack.pid(orders.STREAM)
    demo(stack.settings, shown.append)
    source = stack.systems.sources["oltp"].row_counts([orders.TABLE])[orders.TABLE]
    assert source > orders.FIRST_ORDERS
    assert stack.systems.warehouse.count(orders.TABLE) == source
    assert ALERT not in {alert.key for alert in stack.systems.platform.open_alerts()}
    assert stack.pid(orders.STREAM) != driver
    demo(stack.settings, shown.append, first=6)

    clean_up(stack.settings, shown.append)
    assert orders.DATASET not in applied(stack.settings)
    assert not (stack.settings.contracts / "retail" / orders.FILES[0]).exists()
    assert stack.systems.warehouse.count(orders.TABLE) == 0

    demo(stack.settings, shown.append)
    assert stack.systems.warehouse.count(orders.TABLE) == source
