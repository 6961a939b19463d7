"""Convert changes of rows to versions of rows with validity intervals (slowly changing dimension, type 2).

The changes of a key are ordered by offset: a key always belongs to the same Kafka partition.
"""

from __future__ import annotations

from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as f

from headrace.contracts.contract import Contract
from include.spark.batch.publishing.differences import comparable
from include.spark.batch.refine.changes import ORDER, POSITION

VALIDITY: Final = ("_valid_from", "_valid_to", "_is_current")


def versions(changes: DataFrame, contract: Contract) -> DataFrame:
    """Return one row per version: the fields, `_valid_from`, `_valid_to` (exclusive), `_is_current`, and the position.

    A version that is replaced at the instant of its start is omitted. A change without effect creates no version. A
    deleted row has no version after its deletion. If the source's clock was set back, a change is valid from the latest
    instant before it.
    """
    key = list(contract.key)
    content = f.struct(
        *(comparable(f.col(name), changes.schema[name].dataType).alias(name) for name in _content_fields(contract))
    )
    ordered = Window.partitionBy(*key).orderBy(*ORDER)
    timed = changes.withColumn("_valid_from", f.max("_committed_at").over(ordered)).withColumn(
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


def current(history: DataFrame) -> DataFrame:
    """Return the current rows: versions without an end."""
    return history.where("_is_current").drop(*VALIDITY)


def _where(rows: DataFrame, condition: Column) -> DataFrame:
    """Filter by a condition over a window, through a column, because Spark allows no window in a filter."""
    return rows.withColumn("_keep", condition).where("_keep").drop("_keep")


def _content_fields(contract: Contract) -> list[str]:
    return [field.name for field in contract.record.fields if field.name not in contract.key]
