"""More waits for a stream than its driver has memory: it serves all of it, slice by slice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil
import pytest

from headrace.contracts import names
from tests.conftest import Stack
from tests.integration.systems.world import ID, NOTE
from tests.isolation.shop import SETUP
from tests.support.place import place
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.timeout(1500)]

ROWS: Final = 5_000
ROW_BYTES: Final = 400_000
MOST_BYTES: Final = 1_800_000_000
"""Of the driver and its JVM, each at its own highest: below what waits for it."""
TABLE: Final = """
    CREATE TABLE shop.large (id bigint PRIMARY KEY, note text);
    ALTER TABLE shop.large REPLICA IDENTITY FULL;
    GRANT USAGE ON SCHEMA shop TO cdc; GRANT SELECT ON shop.large TO cdc"""
FILL: Final = "INSERT INTO shop.large SELECT n, repeat(chr(97 + n %% 26), %s) FROM generate_series(1, %s) n"


def test_two_gigabytes_that_wait_are_served(
    stack: Stack, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with place(stack.settings, tmp_path, SETUP) as at:
        world = at.world
        world.zones = "quarantine"  # no sink: this is about the stream
        world.sql(TABLE)
        world.declare("large", ID, NOTE)
        world.apply()
        world.sql(FILL, ROW_BYTES, ROWS)
        topic = names.topic(world.contract("large"))
        kafka = world.systems.kafka
        wait_until(lambda: sum(kafka.end_offsets(topic).values()) >= ROWS, 600, "the rows are not captured")
        with at.streaming() as driver:
            served = f"SELECT count(), sum(length(note)) FROM {at.domain}.large"
            wait_until(
                lambda: tuple(world.systems.warehouse.rows(served)[0]) == (ROWS, ROWS * ROW_BYTES),
                600,
                "the rows are not served",
            )
            peak = sum(map(peak_bytes, (driver.pid, *(child.pid for child in psutil.Process(driver.pid).children()))))
        record_property("peak_mib", peak >> 20)
        assert peak < MOST_BYTES < ROWS * ROW_BYTES


def peak_bytes(pid: int) -> int:
    """Return the most memory that a process has had at once (VmHWM of proc(5))."""
    (line,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
