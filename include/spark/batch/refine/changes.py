"""Deduplicate raw changes, conform them to the contract, and split them into passing and quarantined ones."""

from __future__ import annotations

from typing import Any, Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as f

from headrace.contracts.avro_defaults import decoded
from headrace.contracts.contract import Contract
from headrace.contracts.types import MISSING, Array, Field, Map, Record, Time
from include.spark.batch.refine.rules import row_rules
from include.spark.batch.refine.tokens import tokenised

ORDER: Final = ("_kafka_partition", "_offset")
POSITION: Final = ("_committed_at", "_topic", *ORDER)
UNSAID: Final = (Array, Map, Record, Time)
"""Types without a Spark literal, or with another base type in Spark than in Avro."""


def conformed(raw: DataFrame, contract: Contract) -> DataFrame:
    """Return each change once, with `_deleted`, defaults for fields newer than the raw row, and violated rules.

    For a delete only rules on key fields apply. `_rules` and `_reason` are null for a passing change.
    """
    # Same partitioning and order as the windows of `versions`, so that Spark does not shuffle and sort again.
    ordered, position = Window.partitionBy(*contract.key).orderBy(*ORDER), f.struct(*ORDER)
    again = f.lag(position).over(ordered).eqNullSafe(position)
    changes = raw.withColumn("_again", again).where(~f.col("_again")).drop("_again")
    operation = f.col("_op") if contract.source.kind == "cdc" else f.lit("c")
    changes = changes.withColumns({"_op": operation, "_deleted": operation == "d"})
    filled = {field.name: _filled(field) for field in contract.record.fields if _default(field) is not None}
    changes = changes.withColumns(filled) if filled else changes
    names, reasons = [], []
    for rule in row_rules(contract):
        broken = rule.broken if rule.field in contract.key else rule.broken & ~f.col("_deleted")
        names.append(f.when(broken, f.lit(rule.name)))
        reasons.append(f.when(broken, f.lit(rule.reason)))
    return changes.withColumns({"_rules": _joined(names, ","), "_reason": _joined(reasons, "; ")})


def passing(changes: DataFrame, contract: Contract) -> DataFrame:
    """Return the passing changes: the contract's fields, tokenised where required, and each change's position."""
    good = hidden(changes.where(f.col("_rules").isNull()), contract)
    return good.select(*(field.name for field in contract.record.fields), "_deleted", *POSITION)


def quarantined(changes: DataFrame, contract: Contract) -> DataFrame:
    """Return the quarantined changes: key, fields as JSON, violated rules, and each change's position."""
    bad = hidden(changes.where(f.col("_rules").isNotNull()), contract)
    payload = f.to_json(f.struct(*(field.name for field in contract.record.fields)))
    cdc = ("_op", "_lsn") if contract.source.kind == "cdc" else ()
    return bad.select(*contract.key, payload.alias("_payload"), "_rules", "_reason", *cdc, *POSITION)


def hidden(rows: DataFrame, contract: Contract) -> DataFrame:
    """Return the rows with tokens in the tokenised columns that exist."""
    shown = [name for name in contract.tokenised if name in rows.columns]
    return rows.withColumns({name: tokenised(name, rows.schema[name].dataType) for name in shown}) if shown else rows


def _joined(parts: list[Column], separator: str) -> Column:
    text = f.concat_ws(separator, *parts) if parts else f.lit("")
    return f.when(text != "", text)


def _filled(field: Field) -> Column:
    value = f.lit(_default(field))
    return f.when(~f.col("_deleted"), f.coalesce(f.col(field.name), value)).otherwise(f.col(field.name))


def _default(field: Field) -> Any:
    """Return the default of a required field for older rows; None if it has none or Spark has no literal for it."""
    if field.nullable or field.default is MISSING:
        return None
    return None if isinstance(field.type, UNSAID) else decoded(field.type, field.default)
