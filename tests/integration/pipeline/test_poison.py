"""A record that cannot be read goes to the dead-letter topic with its place and the reason; its neighbours pass."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

TOPIC = "oltp.retail.campaign_descriptions"


def test_poison_is_set_aside_and_neighbours_pass(
    stack: Any, oltp: Any, warehouse: Any, eventually: Any, new_id: Callable[[], int]
) -> None:
    campaign = 100_000 + new_id() % 1_000_000
    kafka = stack.systems.kafka
    producer = kafka.producer()
    producer.produce(TOPIC, key=b"poison", value=b"\x00\x00\x00\x00\x01\xff\xff\xff\xff not a record")
    assert producer.flush(30) == 0
    insert = "INSERT INTO retail.campaign_descriptions VALUES (%s, 'Type A', '2017-01-01', '2017-02-01')"
    oltp.execute(insert, [campaign])
    query = "SELECT count() FROM retail.campaign_descriptions WHERE campaign_id = {id:Int32}"
    eventually(lambda: warehouse(query, id=campaign)[0][0], 1)
    headers = _dead_letter(kafka, "dead-letter.retail", b"not a record")
    assert headers["topic"] == TOPIC
    assert headers["offset"].isdigit()
    assert headers["reason"]
    oltp.execute("DELETE FROM retail.campaign_descriptions WHERE campaign_id = %s", [campaign])
    eventually(lambda: warehouse(query, id=campaign)[0][0], 0)


def _dead_letter(kafka: Any, topic: str, part: bytes) -> dict[str, str]:
    """Headers of the newest dead letter whose value has `part` in it."""
    consumer = kafka.consumer(**{"group.id": f"test-{time.time_ns()}", "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    deadline, found = time.monotonic() + 60, None
    try:
        while found is None and time.monotonic() < deadline:
            message = consumer.poll(1.0)
            if message is not None and not message.error() and part in (message.value() or b""):
                found = {name: value.decode() for name, value in message.headers() or ()}
    finally:
        consumer.close()
    assert found is not None, f"no dead letter in {topic} within 60 s"
    return found


def test_status_shows_every_dataset(stack: Any) -> None:
    from include.stack.commands.status import as_json
    from include.stack.contracts import contracts

    status = json.loads(json.dumps(as_json(stack.settings)))
    parts = {"source", "kafka", "raw", "warehouse", "zones", "refined", "freshness_s"}
    assert set(status["datasets"]["retail.transactions"]) == parts
    assert {p["state"] for p in status["processes"].values()} == {"running"}
    streamed = {c.id for c in contracts(stack.settings).values() if c.source.kind == "cdc"}
    assert set(status["datasets"]) == streamed
