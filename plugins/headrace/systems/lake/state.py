"""State functions of lake tables: observe the declared ones, apply one change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from headrace.errors import SystemRefused
from headrace.planning.plan import Change
from headrace.planning.resources import Resource
from headrace.systems.lake import schemas
from headrace.systems.lake.hook import LakeHook

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.update import TableRequirement, TableUpdate

FORMAT_VERSION: Final = "format-version"


def observe(hook: LakeHook, wanted: Iterable[Resource]) -> tuple[Resource, ...]:
    """Return the wanted tables that exist, with their columns, partitioning and properties."""
    names = [resource.name for resource in wanted if resource.kind == "lake_table"]
    found = ((name, hook.table(name)) for name in names)
    return tuple(Resource("lake_table", name, _spec(table)) for name, table in found if table is not None)


def apply(hook: LakeHook, change: Change) -> None:
    """Apply one change of one table. Idempotent.

    Raises:
        SystemRefused: the change would alter stored values.
    """
    name = change.resource.name
    if change.action == "delete":
        raise SystemRefused("lake", hook.address, f"table {name}: a plan never drops a table.")
    if hook.table(name) is None:
        _create(hook, change.resource)
    else:
        _evolve(hook, change.resource)


def _spec(table: Table) -> dict[str, Any]:
    schema = table.schema()
    return {
        "columns": schemas.columns(schema),
        "partition": schemas.partition(table.spec(), schema),
        "properties": {**table.properties, FORMAT_VERSION: str(table.format_version)},
    }


def _create(hook: LakeHook, resource: Resource) -> None:
    """Create namespace and table, one commit each. The catalog assigns the field ids.

    Declared ids cannot be kept: a REST catalog first stores schema and partition spec with fresh ids, and
    Spark refuses a table with two specs that use one partition id for different fields.
    """
    name = resource.name
    schema = schemas.schema(resource.spec["columns"])
    spec = schemas.partition_spec(resource.spec["partition"], schema)
    properties = dict(resource.spec["properties"])
    hook.ensure_namespace(name.partition(".")[0])
    hook.call(lambda: hook.catalog.create_table_if_not_exists(name, schema, partition_spec=spec, properties=properties))


def _evolve(hook: LakeHook, resource: Resource) -> None:
    """Add and widen columns and set properties, in one commit on the table's current state."""
    name, catalog = resource.name, hook.catalog

    def committed() -> None:
        table = catalog.load_table(name)
        try:
            updates = _updates(table, resource)
        except ValueError as error:
            raise SystemRefused("lake", hook.address, f"table {name}: {error}.") from error
        if updates:
            catalog.commit_table(table, _requirements(table), updates)

    hook.call(committed)


def _updates(table: Table, resource: Resource) -> tuple[TableUpdate, ...]:
    from pyiceberg.table.update import (
        AddSchemaUpdate,
        SetCurrentSchemaUpdate,
        SetPropertiesUpdate,
    )

    updates: tuple[TableUpdate, ...] = ()
    schema = schemas.evolved(table.schema(), resource.spec["columns"])
    if schemas.columns(schema) != schemas.columns(table.schema()):
        # A SQL catalog keeps the given id: with an id already in use, the old schema would stay current.
        newest = max(known.schema_id for known in table.metadata.schemas)
        updates += (
            AddSchemaUpdate(schema=schema.model_copy(update={"schema_id": newest + 1})),
            SetCurrentSchemaUpdate.model_validate({"schema-id": -1}),
        )
    declared = {k: v for k, v in resource.spec["properties"].items() if k != FORMAT_VERSION}
    properties = {k: v for k, v in declared.items() if table.properties.get(k) != v}
    if properties:
        updates += (SetPropertiesUpdate(updates=properties),)
    return updates


def _requirements(table: Table) -> tuple[TableRequirement, ...]:
    from pyiceberg.table.update import AssertCurrentSchemaId, AssertTableUUID

    return (
        AssertTableUUID(uuid=table.metadata.table_uuid),
        AssertCurrentSchemaId.model_validate({"current-schema-id": table.schema().schema_id}),
    )
