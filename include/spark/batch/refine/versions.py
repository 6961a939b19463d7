"""Changes of rows to versions of rows: from when until when each was so (a slowly changing dimension, type 2).

The order of a key's changes is that of their offsets: a key keeps to one Kafka partition, which never changes.
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
    """One row a version: the fields, `_valid_from`, `_valid_to` (exclusive), `_is_current`, and the position.

    A version that was replaced at the very instant it began was never so, and is left out; changes that change nothing
    make no version; a deleted row has no version from its deletion on. A clock that was set back does not make time run
    backwards: a change counts from the latest instant before it.
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
    """The rows as they are now: versions without an end."""
    return history.where("_is_current").drop(*VALIDITY)


def _where(rows: DataFrame, condition: Column) -> DataFrame:
    """A condition over a window stands in a column first: Spark takes none in a filter."""
    return rows.withColumn("_keep", condition).where("_keep").drop("_keep")


def _content_fields(contract: Contract) -> list[str]:
    return [field.name for field in contract.record.fields if field.name not in contract.key]
