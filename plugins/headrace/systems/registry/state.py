"""State functions of registry subjects: observe the declared ones, apply one change."""

from __future__ import annotations

from collections.abc import Iterable

from headrace.planning.plan import Change
from headrace.planning.resources import Resource
from headrace.systems.registry.hook import RegistryHook


def observe(hook: RegistryHook, wanted: Iterable[Resource]) -> tuple[Resource, ...]:
    """Return the wanted subjects that exist, each with its newest schema and the level in force."""
    found = (_observed(hook, resource) for resource in wanted if resource.kind == "subject")
    return tuple(resource for resource in found if resource)


def apply(hook: RegistryHook, change: Change) -> None:
    """Apply one change of one subject. Idempotent.

    Raises:
        SystemRefused: the registry rejects the schema as incompatible.
    """
    subject = change.resource.name
    if change.action == "delete":
        hook.delete(subject)
        return
    spec = change.resource.spec
    if hook.latest(subject) is None:
        hook.register(subject, spec["schema"])  # the subject must exist before its level is set
        hook.set_compatibility(subject, spec["compatibility"])
    else:
        hook.set_compatibility(subject, spec["compatibility"])
        hook.register(subject, spec["schema"])


def _observed(hook: RegistryHook, wanted: Resource) -> Resource | None:
    latest = hook.latest(wanted.name)
    if latest is None:
        return None
    level = hook.compatibility(wanted.name) or hook.compatibility() or "NONE"
    return Resource("subject", wanted.name, {"schema": latest.schema, "compatibility": level})
