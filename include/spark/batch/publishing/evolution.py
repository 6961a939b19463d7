"""Convert rows of an older snapshot to the table's current columns and types.

Iceberg reads a snapshot with the schema it was written with: columns added later are missing, and widened types are
still narrow. https://iceberg.apache.org/docs/latest/branching/#schema-selection-with-branches-and-tags
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f
from pyspark.sql.types import ArrayType, DataType, MapType, StructType


def as_today(rows: DataFrame, today: StructType) -> DataFrame:
    """Return the rows in the current schema, with null in columns added later."""
    if rows.schema == today:
        return rows
    were = {field.name: field.dataType for field in rows.schema}
    return rows.select(*(_widened(f.col(x.name), were.get(x.name), x.dataType).alias(x.name) for x in today))


def _widened(column: Column, was: DataType | None, now: DataType) -> Column:
    match was, now:
        case None, _:
            return f.lit(None).cast(now)
        case StructType(), StructType():
            were = {field.name: field.dataType for field in was}
            inner = (_widened(column[x.name], were.get(x.name), x.dataType).alias(x.name) for x in now)
            return f.when(column.isNotNull(), f.struct(*inner))
        case ArrayType(), ArrayType():
            return f.transform(column, lambda each: _widened(each, was.elementType, now.elementType))
        case MapType(), MapType():
            return f.transform_values(column, lambda _, value: _widened(value, was.valueType, now.valueType))
    return column if was == now else column.cast(now)
