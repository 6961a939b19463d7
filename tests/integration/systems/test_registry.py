from __future__ import annotations

from collections.abc import Iterator

import pytest

from headrace.errors import SystemRefused, SystemUnavailable
from headrace.planning.diff import diff
from headrace.planning.resources import Resource
from headrace.systems.bundle import Systems
from headrace.systems.endpoint import Endpoint
from headrace.systems.registry import state
from headrace.systems.registry.hook import RegistryHook
from headrace.systems.retry import Backoff


def _schema(*fields: dict[str, object]) -> dict[str, object]:
    return {
        "type": "record", "name": "Order", "namespace": "shop", "doc": "One order.",
        "fields": [{"name": "id", "type": "long", "doc": "Key."}, *fields],
    }  # fmt: skip


NOTE = {"name": "note", "type": ["null", "string"], "default": None}


@pytest.fixture
def subject(systems: Systems, name: str) -> Iterator[str]:
    yield f"{name}-value"
    systems.registry.delete(f"{name}-value")


def test_a_schema_is_registered_once_and_read_by_its_id(systems: Systems, subject: str) -> None:
    hook = systems.registry
    assert hook.latest(subject) is None
    number = hook.register(subject, _schema())
    assert hook.register(subject, _schema()) == number
    latest = hook.latest(subject)
    assert latest is not None
    assert (latest.id, latest.version, latest.schema["name"]) == (number, 1, "Order")
    assert hook.schema(number)["fields"][0]["name"] == "id"
    assert subject in hook.subjects()


def test_an_incompatible_schema_is_refused_with_the_level_and_the_next_step(systems: Systems, subject: str) -> None:
    hook = systems.registry
    hook.register(subject, _schema())
    hook.set_compatibility(subject, "BACKWARD")
    assert hook.compatibility(subject) == "BACKWARD"
    wrong = _schema({"name": "must", "type": "string"})
    assert hook.compatible(subject, _schema(NOTE))
    assert not hook.compatible(subject, wrong)
    with pytest.raises(
        SystemRefused, match=rf"Subject {subject} allows only BACKWARD changes\. Add fields with defaults"
    ):
        hook.register(subject, wrong)


def test_what_is_no_avro_is_refused(systems: Systems, subject: str) -> None:
    with pytest.raises(SystemRefused):
        systems.registry.register(subject, {"type": "record", "name": "X"})


def test_a_subject_is_planned_applied_and_then_nothing_is_left_to_do(systems: Systems, subject: str) -> None:
    hook = systems.registry
    first = Resource("subject", subject, {"schema": _schema(), "compatibility": "BACKWARD"})
    second = Resource("subject", subject, {"schema": _schema(NOTE), "compatibility": "FULL"})
    for wanted in (first, second):
        plan = diff([wanted], state.observe(hook, [wanted]))
        assert len(plan.changes) == 1
        for change in (*plan.changes, *plan.changes):
            state.apply(hook, change)
        assert diff([wanted], state.observe(hook, [wanted])).empty
    assert [f["name"] for f in state.observe(hook, [second])[0].spec["schema"]["fields"]] == ["id", "note"]


def test_a_missing_registry_is_an_error() -> None:
    hook = RegistryHook(Endpoint("127.0.0.1", 1), backoff=Backoff(tries=2, first_s=0.01))
    with pytest.raises(SystemUnavailable, match=r"registry at http://127\.0\.0\.1:1: GET /subjects: .*refused"):
        hook.subjects()
