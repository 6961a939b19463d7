"""Declared subjects: what the registry holds of them, and making it so."""

from __future__ import annotations

from collections.abc import Iterable

from headrace.planning.plan import Change
from headrace.planning.resources import Resource
from headrace.systems.registry.hook import RegistryHook


def observe(hook: RegistryHook, wanted: Iterable[Resource]) -> tuple[Resource, ...]:
    """The wanted subjects that exist, each with its newest schema and the level in force."""
    found = (_observed(hook, resource) for resource in wanted if resource.kind == "subject")
    return tuple(resource for resource in found if resource)


def apply(hook: RegistryHook, change: Change) -> None:
    """Carries out one change of one subject. Doing it twice changes nothing more.

    Raises:
        SystemRefused: the registry holds the schema to be incompatible.
    """
    subject = change.resource.name
    if change.action == "delete":
        hook.delete(subject)
        return
    spec = change.resource.spec
    if hook.latest(subject) is None:
        hook.register(subject, spec["schema"])  # a level needs its subject first
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
