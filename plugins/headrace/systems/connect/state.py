"""State functions of connectors: observe the declared ones, apply one change."""

from __future__ import annotations

from collections.abc import Iterable

from headrace.planning.plan import Change
from headrace.planning.resources import Resource
from headrace.planning.sinks import COLUMNS
from headrace.systems.connect.hook import ConnectHook


def observe(hook: ConnectHook, wanted: Iterable[Resource]) -> tuple[Resource, ...]:
    """Return the wanted connectors that exist, with the configuration they were given."""
    names = [resource.name for resource in wanted if resource.kind == "connector"]
    found = ((name, hook.config(name)) for name in names)
    return tuple(Resource("connector", name, {"config": config}) for name, config in found if config is not None)


def apply(hook: ConnectHook, change: Change) -> None:
    """Apply one change of one connector and wait until it runs. Idempotent.

    Raises:
        SystemRefused: Connect rejects the configuration.
        SystemFailure: a task fails with the configuration.
    """
    connector = change.resource
    if change.action == "delete":
        hook.delete(connector.name)
        return
    config, before = connector.spec["config"], hook.status(connector.name)
    hook.put(connector.name, config)
    if COLUMNS in config:
        hook.wait_for_tasks(connector.name, COLUMNS, config[COLUMNS])
    hook.wait(connector.name, "RUNNING", before=before)
