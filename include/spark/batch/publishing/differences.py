"""Compute the inserts, updates and deletes between the desired and the existing rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f
from pyspark.sql.types import ArrayType, DataType, MapType, StructType

CHANGE: Final = "_change"


def difference(desired: DataFrame, there: DataFrame, identity: Sequence[str]) -> DataFrame:
    """Return the rows to insert, update and delete, with the kind in `_change`; unchanged rows are omitted.

    For a row to delete only the identity matters. `there` must contain only keys in the scope of `desired`.
    """
    columns = desired.columns
    new = desired.select(f.struct(*columns).alias("new"), *(f.col(name).alias(f"n_{name}") for name in identity))
    old = there.select(f.struct(*columns).alias("old"), *(f.col(name).alias(f"o_{name}") for name in identity))
    same = reduce(and_, (f.col(f"n_{name}").eqNullSafe(f.col(f"o_{name}")) for name in identity))
    joined = new.join(old, same, "full_outer")
    change = (
        f.when(f.col("old").isNull(), "insert")
        .when(f.col("new").isNull(), "delete")
        .when(~_equal(desired, columns), "update")
    )
    row = [f.when(f.col(CHANGE) == "delete", f.col(f"old.{n}")).otherwise(f.col(f"new.{n}")).alias(n) for n in columns]
    return joined.withColumn(CHANGE, change).where(f.col(CHANGE).isNotNull()).select(*row, CHANGE)


def _equal(rows: DataFrame, columns: Sequence[str]) -> Column:
    types = {name: rows.schema[name].dataType for name in columns}
    pairs = ((comparable(f.col(f"{side}.{n}"), types[n]) for side in ("new", "old")) for n in columns)
    return reduce(and_, (new.eqNullSafe(old) for new, old in pairs))


def comparable(column: Column, type_: DataType) -> Column:
    """Return the column itself, or its JSON if it contains a map, because Spark cannot compare maps."""
    return f.to_json(column) if _holds_map(type_) else column


def _holds_map(type_: DataType) -> bool:
    match type_:
        case MapType():
            return True
        case ArrayType():
            return _holds_map(type_.elementType)
        case StructType():
            return any(_holds_map(field.dataType) for field in type_.fields)
    return False
