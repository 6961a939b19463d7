"""Operators of lake maintenance: find the due tables, and maintain them in a Spark job."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from headrace.contracts.index import load_index
from headrace.planning.maintenance import policies
from headrace.systems.spark.batch import LakeJobOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class DueTablesOperator(BaseOperator):
    """Finds the lake tables that are due for maintenance: each once a day, and earlier if it has many small files.

    A table is first due six hours after its first rows.

    The run's parameter `tables` (`zone.table`) selects other tables instead. When no table is due, this task and its
    downstream tasks are skipped. Only the catalog's metadata of a table is read, unless many files were added to it.

    Args:
        schemas: folder of the contracts.
    """

    def __init__(self, *, schemas: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.schemas = schemas

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Return the policies of the tables that are due, see `planning.maintenance.policies`.

        Raises:
            AirflowSkipException: no table is due.
            AirflowFailException: the parameter has a table that no contract has.
            SystemUnavailable: the catalog or the platform database does not answer.
        """
        from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

        every = {policy["table"]: policy for policy in policies(load_index(Path(self.schemas)).values())}
        requested = (context.get("params") or {}).get("tables") or []
        if unknown := sorted(set(requested) - every.keys()):
            refused = f"no contract has the table {unknown[0]}; expected zone.domain_dataset"
            self.log.error("%s", refused)
            raise AirflowFailException(refused)
        if requested:
            return [every[name] for name in sorted(set(requested))]
        due = []
        for policy, why in self._due(every):
            self.log.info("%s: %s", policy["table"], why)
            due.append(policy)
        if not due:
            raise AirflowSkipException("every table was maintained today, and none has many small files")
        return due

    def _due(self, every: Mapping[str, dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
        from headrace.services.maintenance.upkeep import UpkeepLedger, is_new, small_files
        from headrace.systems.lake.hook import LakeHook
        from headrace.systems.platform.hook import PlatformHook

        now = datetime.now(UTC)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        last, lake = UpkeepLedger(PlatformHook.from_connection()).last(), LakeHook.from_connection()
        for name, policy in every.items():
            table = lake.table(name)
            if table is None:  # not applied yet
                continue
            if last[name] < midnight if name in last else not is_new(table, now):
                yield policy, "not maintained today"
            elif many := small_files(lake, table, policy):
                yield policy, f"{many:,} files are small or delete files"


class MaintainLakeOperator(LakeJobOperator):
    """Compacts lake tables, tags them by month, expires snapshots and removes orphaned files.

    The report, one line per table, is in the task's log, and as JSON in its XCom and in the platform's table
    `maintained`. A failure of one table does not stop the others; the task fails at the end.

    Args:
        policies: maintenance of each table (`planning.maintenance.policies`), or an XCom with it.
        application: file of the job.
    """

    template_fields = (*LakeJobOperator.template_fields, "policies")
    spark_reports_lineage = False

    def __init__(self, *, policies: Sequence[Mapping[str, Any]], application: str, **kwargs: Any) -> None:
        super().__init__(job="maintain_lake", application=application, **kwargs)
        self.policies = policies

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Maintain the tables; return the state of each before and after.

        Raises:
            AirflowException, SystemFailure: the job failed, or a table could not be maintained.
        """
        from airflow.sdk.exceptions import AirflowException

        from headrace.services.maintenance.upkeep import UpkeepLedger
        from headrace.systems.platform.hook import PlatformHook

        reports: list[dict[str, Any]] = self.run_job(context, json.dumps(self.policies))
        UpkeepLedger(PlatformHook.from_connection()).record(reports)
        for report in reports:
            self.log.info("%s", summary(report))
        if failed := [summary(report) for report in reports if report.get("error")]:
            raise AirflowException("; ".join(failed))
        return reports


def summary(report: Mapping[str, Any]) -> str:
    """Return the report of one table as one line."""
    name = report["table"]
    if report.get("error"):
        return f"{name}: failed: {report['error']}"
    if report.get("empty"):
        return f"{name}: empty"
    changes = (
        f"{what.replace('_', ' ')} {report['before'][what]:,} → {report['after'][what]:,}" for what in report["before"]
    )
    compacted = f"compacted in {report['compacted_s']:.1f} s"
    return f"{name}: {', '.join(changes)}, {compacted}, orphans removed {report['orphans']:,}"
