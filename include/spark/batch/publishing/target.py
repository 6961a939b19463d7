"""Write, audit, publish: changes go to a branch of the table, and the branch becomes the table when it is found good.

The branch starts where the table stood when the changes were worked out. If the table has moved on since (another
interval, a compaction), Iceberg refuses to publish, and the work is done again: nobody's rows are lost or undone. Every
attempt has a branch of its own, so that nobody publishes what another has written; one whose process died ages out.
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
"""The branch with what an audit refused last, for people to look at."""
ATTEMPT_LIVES_MS: Final = 86_400_000


class Overtaken(Exception):
    """Somebody else has changed the table meanwhile: begin again from how it stands now."""


@dataclass(frozen=True, slots=True)
class Target:
    """One table of the lake as it stood at one moment."""

    spark: SparkSession
    name: str
    """In the catalog, `zone.table`."""
    snapshot: int | None
    """None while the table has never been written."""
    attempt: str = field(default_factory=lambda: f"attempt_{uuid.uuid4().hex[:12]}")
    """Branch of this attempt."""

    @classmethod
    def now(cls, spark: SparkSession, name: str) -> Target:
        """The table as it stands."""
        found = iceberg_table(spark, name).currentSnapshot()
        return cls(spark, name, found.snapshotId() if found else None)

    def rows(self) -> DataFrame:
        """Its rows at that moment, in today's columns."""
        today = self.spark.table(f"lake.{self.name}")
        if self.snapshot is None:
            return today.where(f.lit(False))
        then = self.spark.read.option("versionAsOf", self.snapshot).table(f"lake.{self.name}")
        return as_today(then, today.schema)

    def records(self) -> int:
        """How many rows the table had at that moment, by its own account."""
        if self.snapshot is None:
            return 0
        return int(iceberg_table(self.spark, self.name).snapshot(self.snapshot).summary().get("total-records"))

    def written(self) -> DataFrame:
        """What it would hold if the attempt were published."""
        return self.spark.read.option("branch", self.attempt).table(f"lake.{self.name}")

    def write(self, changes: DataFrame, identity: Sequence[str], counts: Mapping[str, int]) -> None:
        """Put the changes on the attempt's branch. Raises Overtaken when the table is not as empty as it was."""
        manage = iceberg_table(self.spark, self.name).manageSnapshots()
        started = manage.createBranch(self.attempt, *([] if self.snapshot is None else [self.snapshot]))
        started.setMaxRefAgeMs(self.attempt, ATTEMPT_LIVES_MS).commit()
        if self.snapshot is None and self._branch_has_rows():
            raise Overtaken(f"{self.name} was written for the first time while it was refined")
        branch, view = f"lake.{self.name}.branch_{self.attempt}", f"changes_of_{self.name.replace('.', '_')}"
        changes.createOrReplaceTempView(view)
        columns = [name for name in changes.columns if name != CHANGE]
        statement = append if counts.keys() <= {"insert"} else merge
        self.spark.sql(statement(branch, view, columns, identity))

    def _branch_has_rows(self) -> bool:
        """A branch of a table without a snapshot starts at whatever the table's first snapshot has become meanwhile."""
        summary = iceberg_table(self.spark, self.name).snapshot(self.attempt).summary()
        return int(summary.get("total-records") or 0) > 0

    def publish(self) -> None:
        """Make the attempt the table, in one commit. Raises Overtaken when the table has moved on."""
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
            raise Overtaken(f"{self.name} has moved on while it was refined") from error

    def refuse(self) -> None:
        """Keep the attempt under the name `audit`, in place of what was refused before."""
        table = iceberg_table(self.spark, self.name)
        manage, refused = table.manageSnapshots(), table.snapshot(self.attempt).snapshotId()
        known = table.refs().containsKey(REFUSED)
        kept = manage.replaceBranch(REFUSED, refused) if known else manage.createBranch(REFUSED, refused)
        kept.removeBranch(self.attempt).commit()

    def forget(self) -> None:
        """Drop the attempt, if it is still there."""
        table = iceberg_table(self.spark, self.name)
        if table.refs().containsKey(self.attempt):
            table.manageSnapshots().removeBranch(self.attempt).commit()


def append(table: str, view: str, columns: Sequence[str], _: Sequence[str]) -> str:
    """The statement for changes that are all inserts: the table itself need not be read."""
    names = ", ".join(columns)
    return f"INSERT INTO {table} ({names}) SELECT {names} FROM {view}"  # noqa: S608 - names of the plan


def merge(table: str, view: str, columns: Sequence[str], identity: Sequence[str]) -> str:
    """The statement that carries out any changes, by their identity."""
    same = " AND ".join(f"t.{name} <=> c.{name}" for name in identity)
    values = ", ".join(f"c.{name}" for name in columns)
    updates = ", ".join(f"t.{name} = c.{name}" for name in columns)
    return f"""
        MERGE INTO {table} t USING {view} c ON {same}
        WHEN MATCHED AND c.{CHANGE} = 'delete' THEN DELETE
        WHEN MATCHED THEN UPDATE SET {updates}
        WHEN NOT MATCHED THEN INSERT ({", ".join(columns)}) VALUES ({values})"""  # noqa: S608 - names of the plan
