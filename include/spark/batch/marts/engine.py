"""Build one mart: run its SQL, compare the result with the lake table, check the changes on a branch, publish them."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.contracts.targets import spark as spark_types
from include.spark.batch.publishing.target import Target
from include.spark.batch.publishing.work import Audit, Work, changes_of, counted, patiently, publish


class WrongColumns(Exception):
    """The columns of the query's result differ from those of the contract."""


def build(spark: SparkSession, contract: Contract, sql: str, audit: Audit) -> dict[str, Any]:
    """Refresh the mart from its SQL; return the number of inserted, updated and deleted rows.

    Raises:
        WrongColumns: the query lacks a column of the contract, or has one that the contract does not declare.
        Unpublished: a check of severity error failed.
        Overtaken: another writer changed the table during each attempt.
    """
    return patiently(spark, lambda: _attempt(spark, contract, sql, audit))


def _attempt(spark: SparkSession, contract: Contract, sql: str, audit: Audit) -> dict[str, Any]:
    target = Target.now(spark, names.lake_table(contract, "cleaned"))
    rows = declared(spark.sql(sql), contract).cache()
    changes = changes_of(rows, target, target.rows(), contract.identity)
    counts = counted({"cleaned": changes})
    work = [Work(zone, target, changes, contract.identity, kinds) for zone, kinds in counts.items()]
    return {"dataset": contract.id, "changed": publish(work, audit), "watermark": None}


def declared(rows: DataFrame, contract: Contract) -> DataFrame:
    """Select the contract's columns and cast them to its types. Raises WrongColumns."""
    wanted = [field.name for field in contract.record.fields]
    if set(rows.columns) != set(wanted) or len(rows.columns) != len(wanted):
        missing, unknown = sorted(set(wanted) - set(rows.columns)), sorted(set(rows.columns) - set(wanted))
        raise WrongColumns(
            f"{contract.id}: the columns of the SQL must be those of the contract; got {', '.join(rows.columns)};"
            f" missing: {', '.join(missing) or 'none'}, not declared: {', '.join(unknown) or 'none'}"
        )
    return rows.select(*(f.col(x.name).cast(spark_types.render(x.type)).alias(x.name) for x in contract.record.fields))
