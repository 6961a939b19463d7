"""Airflow operators for ClickHouse: apply a SQL layer, open the lake."""

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
    """Operator that runs the statements of one folder of `include/sql` in the order of the files. Each is idempotent.

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
        """Run the layer; return the names of the objects that it creates.

        Raises:
            SystemUnavailable: ClickHouse does not answer.
            SystemRefused: it refuses a statement, e.g. on the table of a dataset that is held back. The others were run.
        """
        layer, dry = statements(Path(self.folder)), is_yes(self.plan_only)
        hook = None if dry else WarehouseHook.from_connection()
        refused: list[SystemRefused] = []
        for statement in layer:
            self.log.info("%s%s", "would create " if dry else "", statement.name)
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
    """Operator that re-creates the ClickHouse database `lake` with the current addresses and keys.

    Without a REST catalog it only logs that: ClickHouse reads no other catalog.

    Args:
        plan_only: only log what would be done.
    """

    template_fields = ("plan_only",)
    ui_color = "#fdebd0"

    def __init__(self, *, plan_only: bool | str = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan_only = plan_only

    def execute(self, context: Context) -> None:
        """Re-create the database `lake`. Raises SystemUnavailable, SystemRefused."""
        if is_yes(self.plan_only):
            self.log.info("would create the database lake")
        elif open_lake(WarehouseHook.from_connection(), Endpoint.from_connection("lake_default")):
            self.log.info("the lake can be read in ClickHouse, as the database lake")
        else:
            self.log.info("the lake's catalog is not a REST catalog: ClickHouse cannot read it")
