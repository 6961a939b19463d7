"""What the hook makes of brokers that know less than the controller."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from headrace.errors import SystemUnavailable
from headrace.systems.endpoint import Endpoint
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.retry import Backoff


class _Brokers:
    """Each look at them is the next of these lists of topics."""

    def __init__(self, *seen: dict[str, int]) -> None:
        self._seen = iter(seen)

    def poll(self, _: float) -> int:
        return 0

    def list_topics(self, **_: Any) -> Any:
        topics = {name: SimpleNamespace(partitions=range(count)) for name, count in next(self._seen).items()}
        return SimpleNamespace(topics=topics)


def _hook(*seen: dict[str, int]) -> KafkaHook:
    brokers: Any = _Brokers(*seen)
    return KafkaHook(Endpoint("there", 1), backoff=Backoff(tries=2, first_s=0.01), admin=lambda: brokers)


def test_a_topic_that_the_broker_does_not_list_yet_is_requested_again() -> None:
    assert _hook({}, {"sales": 3}).partitions_of("sales") == 3


def test_a_topic_that_is_never_listed_is_an_error() -> None:
    with pytest.raises(SystemUnavailable, match="topic sales exists, but the broker does not list it yet"):
        _hook({}, {}).partitions_of("sales")
