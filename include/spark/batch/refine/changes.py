"""Raw changes, each once, conformed to the contract, and parted into those that may pass and those that may not."""

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
"""Types of which Spark has no literal, or another carrier than Avro."""


def conformed(raw: DataFrame, contract: Contract) -> DataFrame:
    """Each change once, with `_deleted`, defaults where raw is older than a field, and the rules that it breaks.

    A delete has only its key to keep rules with. `_rules` and `_reason` are null for a change that may pass.
    """
    # By key and in order of position, as `versions` needs them: its windows find the rows where they are.
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
    """What may go on: the contract's fields, what is hidden as tokens, and where each change stands."""
    good = hidden(changes.where(f.col("_rules").isNull()), contract)
    return good.select(*(field.name for field in contract.record.fields), "_deleted", *POSITION)


def quarantined(changes: DataFrame, contract: Contract) -> DataFrame:
    """What may not: the key, the fields as JSON, the rules, and where each change stands."""
    bad = hidden(changes.where(f.col("_rules").isNotNull()), contract)
    payload = f.to_json(f.struct(*(field.name for field in contract.record.fields)))
    cdc = ("_op", "_lsn") if contract.source.kind == "cdc" else ()
    return bad.select(*contract.key, payload.alias("_payload"), "_rules", "_reason", *cdc, *POSITION)


def hidden(rows: DataFrame, contract: Contract) -> DataFrame:
    """The rows with tokens in place of what the contract hides, in those of its columns that are there."""
    shown = [name for name in contract.tokenised if name in rows.columns]
    return rows.withColumns({name: tokenised(name, rows.schema[name].dataType) for name in shown}) if shown else rows


def _joined(parts: list[Column], separator: str) -> Column:
    text = f.concat_ws(separator, *parts) if parts else f.lit("")
    return f.when(text != "", text)


def _filled(field: Field) -> Column:
    value = f.lit(_default(field))
    return f.when(~f.col("_deleted"), f.coalesce(f.col(field.name), value)).otherwise(f.col(field.name))


def _default(field: Field) -> Any:
    """The value of a required field in rows that are older than it; None when there is none that Spark can say."""
    if field.nullable or field.default is MISSING:
        return None
    return None if isinstance(field.type, UNSAID) else decoded(field.type, field.default)
