"""Convert changes of rows to versions of rows with validity intervals (slowly changing dimension, type 2).

The changes of a key are ordered by `changes.order`.
"""

from __future__ import annotations

from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as f

from headrace.contracts.contract import Contract
from headrace.contracts.types import Date, Timestamp
from include.spark.batch.publishing.differences import comparable
from include.spark.batch.refine.changes import POSITION, order

VALIDITY: Final = ("_valid_from", "_valid_to", "_is_current")


def versions(changes: DataFrame, contract: Contract) -> DataFrame:
    """Return one row per version: the fields, `_valid_from`, `_valid_to` (exclusive), `_is_current`, and the position.

    A version that is replaced at the instant of its start is omitted. A change without effect creates no version. A
    deleted row has no version after its deletion. A change is valid from its version if that is a time, else from its
    commit; if the source's clock was set back, from the latest instant before it.
    """
    key = list(contract.identity)
    content = f.struct(
        *(comparable(f.col(name), changes.schema[name].dataType).alias(name) for name in _content_fields(contract))
    )
    ordered = Window.partitionBy(*key).orderBy(*order(contract))
    timed = changes.withColumn("_valid_from", f.max(_happened(contract)).over(ordered)).withColumn(
        "_content", f.when(~f.col("_deleted"), content)
    )
    lasting = _where(timed, ~f.lead("_valid_from").over(ordered).eqNullSafe(f.col("_valid_from")))
    first = f.row_number().over(ordered) == 1
    changed = _where(lasting, first | ~f.lag("_content").over(ordered).eqNullSafe(f.col("_content")))
    dated = changed.withColumn("_valid_to", f.lead("_valid_from").over(ordered))
    return (
        dated.where(~f.col("_deleted"))
        .withColumn("_is_current", f.col("_valid_to").isNull())
        .select(*(field.name for field in contract.record.fields), *VALIDITY, *POSITION)
    )


def _happened(contract: Contract) -> Column:
    version = contract.source.version
    if version is not None and isinstance(contract.field(version).type, Timestamp | Date):
        return f.col(version).cast("timestamp")
    return f.col("_committed_at")


def current(history: DataFrame) -> DataFrame:
    """Return the current rows: versions without an end."""
    return history.where("_is_current").drop(*VALIDITY)


def _where(rows: DataFrame, condition: Column) -> DataFrame:
    """Filter by a condition over a window, through a column, because Spark allows no window in a filter."""
    return rows.withColumn("_keep", condition).where("_keep").drop("_keep")


def _content_fields(contract: Contract) -> list[str]:
    return [field.name for field in contract.record.fields if field.name not in contract.identity]
