"""What a DAG may ask of the warehouse: make a layer of tables and views that are code, read the lake."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from headrace.errors import SystemRefused
from headrace.systems.endpoint import Endpoint
from headrace.systems.parameters import is_yes
from headrace.systems.warehouse.hook import WarehouseHook
from headrace.systems.warehouse.lake import open_lake
from headrace.systems.warehouse.layers import statements

if TYPE_CHECKING:
    from airflow.sdk import Context


class ApplySqlLayerOperator(BaseOperator):
    """Runs the statements of one folder of `include/sql` in the order of their files; each may run again.

    Args:
        folder: the layer's folder.
        plan_only: only list the statements.
    """

    template_fields = ("plan_only",)
    ui_color = "#fdebd0"

    def __init__(self, *, folder: str, plan_only: bool | str = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.folder = folder
        self.plan_only = plan_only

    def execute(self, context: Context) -> list[str]:
        """Names of what the layer makes.

        Raises:
            SystemUnavailable: the warehouse does not answer.
            SystemRefused: it refuses statements, e.g. over the table of a dataset that is held back; the others were run.
        """
        layer, dry = statements(Path(self.folder)), is_yes(self.plan_only)
        hook = None if dry else WarehouseHook.from_connection()
        refused: list[SystemRefused] = []
        for statement in layer:
            self.log.info("%s%s", "would make " if dry else "", statement.name)
            if hook is not None:
                try:
                    hook.execute(statement.sql)
                except SystemRefused as refusal:
                    self.log.error("%s: %s", statement.name, refusal)
                    refused.append(refusal)
        if refused:
            raise refused[0]
        return [statement.name for statement in layer]


class OpenLakeOperator(BaseOperator):
    """Makes the lake readable in ClickHouse, as the database `lake`; anew each time, with today's addresses and keys.

    Where the catalog is no REST catalog it does nothing, and says so: ClickHouse reads no other.

    Args:
        plan_only: only say what would be done.
    """

    template_fields = ("plan_only",)
    ui_color = "#fdebd0"

    def __init__(self, *, plan_only: bool | str = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan_only = plan_only

    def execute(self, context: Context) -> None:
        """Raises SystemUnavailable, SystemRefused."""
        if is_yes(self.plan_only):
            self.log.info("would make the database lake")
        elif open_lake(WarehouseHook.from_connection(), Endpoint.from_connection("lake_default")):
            self.log.info("the lake can be read in ClickHouse, as the database lake")
        else:
            self.log.info("the lake's catalog is no REST catalog: ClickHouse cannot read it")
