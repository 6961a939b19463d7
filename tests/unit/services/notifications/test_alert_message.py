from __future__ import annotations

from datetime import timedelta

from headrace.services.notifications.due import Notice
from headrace.services.notifications.message import message
from tests.support.alerts import BEGAN, alert, over

LINK = "http://127.0.0.1:18080/dags/refine_shop_items/runs/r1/tasks/refine"
ROWS = [{"id": 1, "amount": 99}, {"id": 4, "amount": -3}]


def test_one_alert_has_text_dataset_owner_time_and_rows() -> None:
    found = message([Notice("opened", alert(text="amount is\nout of range", details=ROWS, link=LINK))])
    assert found.title == "Headrace: error: amount is out of range"
    assert found.mood == "failure"
    assert found.body == (
        "ERROR: amount is out of range\n"
        "shop.items · owner till · quality:shop.items:range\n"
        "since 2026-11-01 10:00:00 UTC\n"
        "first rows:\n"
        "  id=1, amount=99\n"
        "  id=4, amount=-3\n"
        f"{LINK}"
    )


def test_an_alert_that_is_raised_often_has_its_count() -> None:
    often = alert(times=1200, last_seen=BEGAN + timedelta(minutes=5))
    assert (
        "since 2026-11-01 10:00:00 UTC, seen 1,200 times, last 2026-11-01 10:05:00 UTC"
        in message([Notice("still", often)]).body
    )


def test_the_end_is_good_news_and_needs_no_rows() -> None:
    found = message([Notice("over", over(alert(details=ROWS)))])
    assert (found.title, found.mood) == ("Headrace: over: quality:shop.items:range is broken", "success")
    assert "since 2026-11-01 10:00:00 UTC until 2026-11-01 10:01:00 UTC" in found.body
    assert "rows" not in found.body


def test_several_are_one_message_the_worst_first() -> None:
    found = message(
        [
            Notice("over", over(alert("c"))),
            Notice("opened", alert("b", "warning")),
            Notice("worse", alert("a")),
            Notice("opened", alert("d", "warning", first_seen=BEGAN - timedelta(hours=1))),
        ]
    )
    assert found.title == "Headrace: 4 alerts: 1 error, 2 warning, 1 over"
    assert found.mood == "failure"
    heads = [part.splitlines()[0] for part in found.body.split("\n\n")]
    assert heads == [
        "ERROR, WORSE THAN BEFORE: a is broken", "WARNING: d is broken", "WARNING: b is broken", "OVER: c is broken",
    ]  # fmt: skip


def test_a_flood_is_cut() -> None:
    found = message([Notice("opened", alert(f"k{n:03}", text="x" * 5_000)) for n in range(500)])
    assert "… and 480 more" in found.body
    assert len(found.body) < 30_000
