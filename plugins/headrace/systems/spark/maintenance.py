"""Looking after lake tables as a task: the Spark job, and its report in the log."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headrace.systems.spark.batch import LakeJobOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class MaintainLakeOperator(LakeJobOperator):
    """Compacts lake tables, tags them by month, expires snapshots and removes files that belong to nothing.

    The report, one line a table, stands in the task's log, and as JSON in its XCom and in the platform's table
    `maintained`. What fails in one table does not keep the others; the task fails at the end.

    Args:
        policies: what is to be done with each table (`planning.maintenance.policies`), or what gives that.
        application: file of the job.
    """

    template_fields = (*LakeJobOperator.template_fields, "policies")
    told_by_spark = False

    def __init__(self, *, policies: Sequence[Mapping[str, Any]], application: str, **kwargs: Any) -> None:
        super().__init__(job="maintain_lake", application=application, **kwargs)
        self.policies = policies

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """How each table stood before and after.

        Raises:
            AirflowException, SystemFailure: the job failed, or one of the tables could not be looked after.
        """
        from airflow.sdk.exceptions import AirflowException

        from headrace.systems.lake.upkeep import UpkeepLedger
        from headrace.systems.platform.hook import PlatformHook

        reports: list[dict[str, Any]] = self.run_job(context, json.dumps(self.policies))
        UpkeepLedger(PlatformHook.from_connection()).record(reports)
        for report in reports:
            self.log.info("%s", told(report))
        if failed := [told(report) for report in reports if report.get("error")]:
            raise AirflowException("; ".join(failed))
        return reports


def told(report: Mapping[str, Any]) -> str:
    """One line about one table."""
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
