"""Write-audit-publish for one lake table: write changes to a branch, and fast-forward the table to it after the audit.

The branch starts at the snapshot for which the changes were computed. If the table has changed since (another interval,
a compaction), Iceberg refuses to publish and the work is repeated, so that no rows are lost or undone. Every attempt has
its own branch, so that no attempt publishes another's changes; the branch of a killed process expires.
https://iceberg.apache.org/docs/latest/branching/
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from include.spark.batch.publishing.differences import CHANGE
from include.spark.batch.publishing.evolution import as_today
from include.spark.batch.tables import iceberg_table

MAIN: Final = "main"
REFUSED: Final = "audit"
"""Branch with the changes that the last failed audit rejected, for inspection."""
ATTEMPT_LIVES_MS: Final = 86_400_000


class Overtaken(Exception):
    """Another writer changed the table meanwhile; repeat the work from its current snapshot."""


@dataclass(frozen=True, slots=True)
class Target:
    """A lake table at one snapshot, and a branch for changes to it."""

    spark: SparkSession
    name: str
    """Name in the catalog, `zone.table`."""
    snapshot: int | None
    """Snapshot id; None if the table was never written."""
    attempt: str = field(default_factory=lambda: f"attempt_{uuid.uuid4().hex[:12]}")
    """Name of this attempt's branch."""

    @classmethod
    def now(cls, spark: SparkSession, name: str) -> Target:
        """Return the table at its current snapshot."""
        found = iceberg_table(spark, name).currentSnapshot()
        return cls(spark, name, found.snapshotId() if found else None)

    def rows(self) -> DataFrame:
        """Return the rows of the snapshot in the table's current columns."""
        today = self.spark.table(f"lake.{self.name}")
        if self.snapshot is None:
            return today.where(f.lit(False))
        then = self.spark.read.option("versionAsOf", self.snapshot).table(f"lake.{self.name}")
        return as_today(then, today.schema)

    def records(self) -> int:
        """Return the number of rows at the snapshot, from its summary."""
        if self.snapshot is None:
            return 0
        return int(iceberg_table(self.spark, self.name).snapshot(self.snapshot).summary().get("total-records"))

    def written(self) -> DataFrame:
        """Return the rows of the attempt's branch."""
        return self.spark.read.option("branch", self.attempt).table(f"lake.{self.name}")

    def write(self, changes: DataFrame, identity: Sequence[str], counts: Mapping[str, int]) -> None:
        """Write the changes to the attempt's branch. Raises Overtaken when the table was empty and no longer is."""
        manage = iceberg_table(self.spark, self.name).manageSnapshots()
        started = manage.createBranch(self.attempt, *([] if self.snapshot is None else [self.snapshot]))
        started.setMaxRefAgeMs(self.attempt, ATTEMPT_LIVES_MS).commit()
        if self.snapshot is None and self._branch_has_rows():
            raise Overtaken(f"{self.name} was written for the first time by another writer during this job")
        branch, view = f"lake.{self.name}.branch_{self.attempt}", f"changes_of_{self.name.replace('.', '_')}"
        changes.createOrReplaceTempView(view)
        columns = [name for name in changes.columns if name != CHANGE]
        statement = append if counts.keys() <= {"insert"} else merge
        self.spark.sql(statement(branch, view, columns, identity))

    def _branch_has_rows(self) -> bool:
        """Return whether the branch has rows: on a table without snapshot it starts at any snapshot written meanwhile."""
        summary = iceberg_table(self.spark, self.name).snapshot(self.attempt).summary()
        return int(summary.get("total-records") or 0) > 0

    def publish(self) -> None:
        """Fast-forward the table to the attempt's branch in one commit. Raises Overtaken when the table has changed."""
        table = iceberg_table(self.spark, self.name)
        done_with = [self.attempt, *([REFUSED] if table.refs().containsKey(REFUSED) else [])]
        try:
            manage = table.manageSnapshots().fastForwardBranch(MAIN, self.attempt)
            for branch in done_with:
                manage = manage.removeBranch(branch)
            manage.commit()
        except (PySparkException, Py4JJavaError) as error:
            if Target.now(self.spark, self.name).snapshot == self.snapshot:
                raise
            raise Overtaken(f"{self.name} was changed by another writer during this job") from error

    def refuse(self) -> None:
        """Keep the attempt as branch `audit`, which replaces the previously rejected one."""
        table = iceberg_table(self.spark, self.name)
        manage, refused = table.manageSnapshots(), table.snapshot(self.attempt).snapshotId()
        known = table.refs().containsKey(REFUSED)
        kept = manage.replaceBranch(REFUSED, refused) if known else manage.createBranch(REFUSED, refused)
        kept.removeBranch(self.attempt).commit()

    def forget(self) -> None:
        """Drop the attempt's branch if it exists."""
        table = iceberg_table(self.spark, self.name)
        if table.refs().containsKey(self.attempt):
            table.manageSnapshots().removeBranch(self.attempt).commit()


def append(table: str, view: str, columns: Sequence[str], _: Sequence[str]) -> str:
    """Return the statement for inserts only, which does not read the table."""
    names = ", ".join(columns)
    return f"INSERT INTO {table} ({names}) SELECT {names} FROM {view}"  # noqa: S608 - names of the plan


def merge(table: str, view: str, columns: Sequence[str], identity: Sequence[str]) -> str:
    """Return the statement for inserts, updates and deletes, matched by identity."""
    same = " AND ".join(f"t.{name} <=> c.{name}" for name in identity)
    values = ", ".join(f"c.{name}" for name in columns)
    updates = ", ".join(f"t.{name} = c.{name}" for name in columns)
    return f"""
        MERGE INTO {table} t USING {view} c ON {same}
        WHEN MATCHED AND c.{CHANGE} = 'delete' THEN DELETE
        WHEN MATCHED THEN UPDATE SET {updates}
        WHEN NOT MATCHED THEN INSERT ({", ".join(columns)}) VALUES ({values})"""  # noqa: S608 - names of the plan
