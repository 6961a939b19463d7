from __future__ import annotations

import pytest

from headrace.errors import SystemRefused, SystemUnavailable
from headrace.planning.diff import diff
from headrace.planning.plan import Change
from headrace.planning.resources import Resource
from headrace.systems.bundle import Systems
from headrace.systems.endpoint import Endpoint
from headrace.systems.kafka import state
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.kafka.reading import read_to_end
from headrace.systems.retry import Backoff
from tests.support.waiting import wait_until


def _wanted(name: str, partitions: int = 1, **config: str) -> Resource:
    settings = {"cleanup.policy": "delete", **{key.replace("_", "."): value for key, value in config.items()}}
    return Resource("topic", name, {"partitions": partitions, "config": settings})


def test_a_topic_is_planned_applied_and_then_nothing_is_left_to_do(systems: Systems, name: str) -> None:
    hook = systems.kafka
    try:
        for wanted in (_wanted(name, 2, retention_ms="1000"), _wanted(name, 2, retention_ms="2000")):
            plan = diff([wanted], state.observe(hook, [wanted]))
            assert len(plan.changes) == 1
            for change in (*plan.changes, *plan.changes):
                state.apply(hook, change)
            assert diff([wanted], state.observe(hook, [wanted])).empty
        (found,) = hook.topics([name, f"{name}-absent"])
        assert (found.partitions, found.config["retention.ms"]) == (2, "2000")
    finally:
        assert hook.delete(name)
    assert not hook.delete(name)


def test_the_number_of_partitions_never_changes(systems: Systems, topic: str) -> None:
    wanted = _wanted(topic, 3)
    assert diff([wanted], state.observe(systems.kafka, [wanted])).refusals
    with pytest.raises(SystemRefused, match=f"topic {topic} has 1 partitions, not 3"):
        state.apply(systems.kafka, Change("update", wanted))


def test_an_unknown_setting_is_refused_by_the_broker(systems: Systems, name: str) -> None:
    with pytest.raises(SystemRefused, match="frobnicate"):
        systems.kafka.create(name, 1, {"frobnicate": "1"})


def test_only_committed_records_are_read_and_only_up_to_the_end_there_was(systems: Systems, topic: str) -> None:
    hook = systems.kafka
    producer = hook.producer(**{"transactional.id": topic})
    producer.init_transactions()
    for commit in (True, False, True):
        producer.begin_transaction()
        for number in range(5):
            producer.produce(topic, key=str(number), value=str(commit))
        producer.flush()
        producer.commit_transaction() if commit else producer.abort_transaction()
    # A commit is answered before its marker stands behind the records, five and a marker for each transaction.
    wait_until(lambda: hook.end_offsets(topic) == {0: 18}, 30, "the transactions have no markers")
    end = hook.end_offsets(topic)
    producer.begin_transaction()
    producer.produce(topic, value="late")
    producer.commit_transaction()
    batches = list(read_to_end(hook, topic, {}, end))
    assert [value for batch in batches for value in batch.values] == [b"True"] * 10
    assert [key for batch in batches for key in batch.keys][:2] == [b"0", b"1"]
    assert all(offset < end[0] for batch in batches for offset in batch.offsets)
    assert list(read_to_end(hook, topic, end, end)) == []


def test_a_missing_broker_is_an_error() -> None:
    place = Endpoint(extra={"bootstrap.servers": "127.0.0.1:1"})
    hook = KafkaHook(place, timeout_s=1.0, backoff=Backoff(tries=2, first_s=0.01))
    with pytest.raises(SystemUnavailable, match=r"kafka at 127\.0\.0\.1:1: .*\(tried 2 times since"):
        hook.partitions()
