"""What a DAG may ask of the lake: which of its tables want to be looked after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from headrace.contracts.index import load_index
from headrace.planning.maintenance import policies

if TYPE_CHECKING:
    from airflow.sdk import Context


class DueTablesOperator(BaseOperator):
    """Finds the lake tables that want maintenance: each once a day, and between whatever has many small files.

    The run's parameter `tables` (`zone.table`) names other tables instead. When none is due the task is skipped, and
    what follows it too. Nothing but the catalog's metadata is read of a table, unless many files have come to it.

    Args:
        schemas: folder of the contracts.
    """

    def __init__(self, *, schemas: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.schemas = schemas

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """The policies of the tables that are due, see `planning.maintenance.policies`.

        Raises:
            AirflowSkipException: no table is due.
            AirflowFailException: the run names a table that no contract has.
            SystemUnavailable: catalog or platform database do not answer.
        """
        from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

        every = {policy["table"]: policy for policy in policies(load_index(Path(self.schemas)).values())}
        asked = (context.get("params") or {}).get("tables") or []
        if unknown := sorted(set(asked) - every.keys()):
            refused = f"no contract has the table {unknown[0]}; write zone.domain_dataset"
            self.log.error("%s", refused)
            raise AirflowFailException(refused)
        if asked:
            return [every[name] for name in sorted(set(asked))]
        due = []
        for policy, why in self._due(every):
            self.log.info("%s: %s", policy["table"], why)
            due.append(policy)
        if not due:
            raise AirflowSkipException("every table was looked after today, and none has many small files")
        return due

    def _due(self, every: Mapping[str, dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
        from headrace.systems.lake.hook import LakeHook
        from headrace.systems.lake.upkeep import UpkeepLedger, small_files
        from headrace.systems.platform.hook import PlatformHook

        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        done, lake = UpkeepLedger(PlatformHook.from_connection()).since(midnight), LakeHook.from_connection()
        for name, policy in every.items():
            table = lake.table(name)
            if table is None:  # not applied yet
                continue
            if name not in done:
                yield policy, "not looked after today"
            elif many := small_files(lake, table, policy):
                yield policy, f"{many:,} files are small or tell of deleted rows"
