"""State functions of topics: observe the declared ones, apply one change."""

from __future__ import annotations

from collections.abc import Iterable

from headrace.errors import SystemRefused
from headrace.planning.plan import Change
from headrace.planning.resources import Resource
from headrace.systems.kafka.hook import KafkaHook


def observe(hook: KafkaHook, wanted: Iterable[Resource]) -> tuple[Resource, ...]:
    """Return the wanted topics that exist, each with the settings that are declared for it."""
    declared = {r.name: r.spec.get("config", {}) for r in wanted if r.kind == "topic"}
    return tuple(
        Resource(
            "topic",
            topic.name,
            {
                "partitions": topic.partitions,
                "config": {k: topic.config[k] for k in declared[topic.name] if k in topic.config},
            },
        )
        for topic in hook.topics(declared)
    )


def apply(hook: KafkaHook, change: Change) -> None:
    """Apply one change of one topic. Idempotent.

    Raises:
        SystemRefused: the number of partitions would change. That would break the order by key.
    """
    topic = change.resource
    if change.action == "delete":
        hook.delete(topic.name)
        return
    if hook.create(topic.name, topic.spec["partitions"], topic.spec["config"]):
        return
    found = hook.partitions_of(topic.name)
    if found != topic.spec["partitions"]:
        raise SystemRefused(
            "kafka",
            hook.address,
            f"topic {topic.name} has {found} partitions, not {topic.spec['partitions']}: their "
            "number never changes. Declare a new major version of the dataset.",
        )
    hook.alter_config(topic.name, topic.spec["config"])
