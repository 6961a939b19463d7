"""What a DAG may ask of the warehouse: make a layer of tables and views that are code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from headrace.systems.operators import is_yes
from headrace.systems.warehouse.hook import WarehouseHook
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
        """Names of what the layer makes. Raises SystemUnavailable, SystemRefused."""
        layer, dry = statements(Path(self.folder)), is_yes(self.plan_only)
        hook = WarehouseHook.from_connection()
        for statement in layer:
            self.log.info("%s%s", "would make " if dry else "", statement.name)
            if not dry:
                hook.execute(statement.sql)
        return [statement.name for statement in layer]
