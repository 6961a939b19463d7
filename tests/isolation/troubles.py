"""What may happen to one dataset, stage by stage, and what mends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from headrace.contracts import names
from headrace.errors import HeldBack
from headrace.planning.dead_letters import refusers
from tests.integration.systems.world import AT, ID, TOTAL
from tests.isolation.shop import SICK, Shop


@dataclass(frozen=True, slots=True)
class Trouble:
    """One dataset's trouble at a stage."""

    stage: str
    begin: Callable[[Shop], None]
    is_reported: Callable[[Shop], bool]
    """Whether somebody names the dataset."""
    mend: Callable[[Shop], None]


def _odd_rows(shop: Shop) -> None:
    shop.world.sql(f"INSERT INTO shop.{SICK} VALUES (10, 'NaN', now())")
    shop.world.sql(f"TRUNCATE shop.{SICK}")


def _dead_letters(shop: Shop) -> bool:
    """Both the row and the truncation have a dead letter."""
    kafka = shop.world.systems.kafka
    topics = {refuser.topic for refuser in refusers(shop.world.contracts) if refuser.kind == "source"}
    return sum(sum(kafka.end_offsets(topic).values()) for topic in topics if topic in kafka.partitions()) >= 2


def _lose_raw_table(shop: Shop) -> None:
    shop.world.systems.lake.drop_table(shop.raw(SICK))
    shop.world.sql(f"UPDATE shop.{SICK} SET total = total + 1; INSERT INTO shop.{SICK} VALUES (2, 2, now())")


def _lose_served_table(shop: Shop) -> None:
    shop.world.systems.warehouse.execute(f"DROP TABLE {names.changes_table(shop.contract(SICK))} SYNC")
    shop.world.sql(f"INSERT INTO shop.{SICK} VALUES (3, 3, now())")


def _has_alert(key: str) -> Callable[[Shop], bool]:
    return lambda shop: any(alert.key.startswith(key) for alert in shop.alerts(SICK))


def _want_the_impossible(shop: Shop) -> None:
    """A required field that the source lacks."""
    missing = {"name": "missing", "field-id": 9, "type": "long", "doc": "What the source has not."}
    shop.world.declare(SICK, ID, TOTAL, AT, missing)
    with pytest.raises(HeldBack, match=SICK):
        shop.world.apply()


def _is_refused(shop: Shop) -> bool:
    return {dataset for refusal in shop.world.plan().refusals for dataset in refusal.datasets} == {
        f"{shop.at.domain}.{SICK}"
    }


def _apply(shop: Shop) -> None:
    """The contract as it was at first."""
    shop.world.declare(SICK)
    shop.world.apply()


TROUBLES = (
    Trouble("capture", _odd_rows, _dead_letters, lambda shop: None),
    Trouble("sink", _lose_raw_table, _has_alert("sink:"), _apply),
    Trouble("stream", _lose_served_table, _has_alert("stream:"), _apply),
    Trouble("plan", _want_the_impossible, _is_refused, _apply),
)
