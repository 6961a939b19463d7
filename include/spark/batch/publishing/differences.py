"""What must change in a table so that it holds, for the keys at hand, exactly the rows it should."""

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
    """The rows to insert, update and delete, with `_change` saying which; a row that is right is not among them.

    Of a row to delete only the identity counts. `there` must hold no other keys than `desired` is about.
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
    """The column itself, or its JSON where it holds a map: Spark compares no maps."""
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
