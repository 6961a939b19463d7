"""Deduplicate raw changes, conform them to the contract, and split them into passing and quarantined ones."""

from __future__ import annotations

from typing import Any, Final

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as f

from headrace.contracts.avro_defaults import decoded
from headrace.contracts.contract import Contract
from headrace.contracts.types import MISSING, Array, Field, Map, Record, Time
from include.spark.batch.publishing.differences import comparable
from include.spark.batch.refine.rules import row_rules
from include.spark.batch.refine.tokens import tokenised

PLACE: Final = ("_kafka_partition", "_offset")
POSITION: Final = ("_committed_at", "_topic", *PLACE)
REPEATED: Final = "repeat"
"""Rule of a record whose identity came before, with other content."""
UNSAID: Final = (Array, Map, Record, Time)
"""Types without a Spark literal, or with another base type in Spark than in Avro."""


def order(contract: Contract) -> tuple[str, ...]:
    """Return the columns that order the records of an identity, as ClickHouse's `_precedence` does."""
    if contract.captured:  # a key always belongs to the same partition
        return PLACE
    return contract.source.version or "_committed_at", *PLACE


def conformed(raw: DataFrame, contract: Contract) -> DataFrame:
    """Return each change once, with `_deleted`, defaults for fields newer than the raw row, and violated rules.

    For a delete only rules on key fields apply. `_rules` and `_reason` are null for a passing change. Of the passing
    records of an event, the first is a change; others with the same content are left out, and others violate `repeat`.
    """
    # Same partitioning and order as the windows of `versions`, so that Spark does not shuffle and sort again.
    ordered, position = _ordered(contract), f.struct(*PLACE)
    again = f.lag(position).over(ordered).eqNullSafe(position)
    changes = raw.withColumn("_again", again).where(~f.col("_again")).drop("_again")
    changes = changes.withColumn("_deleted", _deleted(contract))
    filled = {field.name: _filled(field) for field in contract.record.fields if _default(field) is not None}
    changes = changes.withColumns(filled) if filled else changes
    names, reasons = [], []
    for rule in row_rules(contract):
        broken = rule.broken if rule.field in contract.identity else rule.broken & ~f.col("_deleted")
        names.append(f.when(broken, f.lit(rule.name)))
        reasons.append(f.when(broken, f.lit(rule.reason)))
    ruled = changes.withColumns({"_rules": _joined(names, ","), "_reason": _joined(reasons, "; ")})
    return _without_repeats(ruled, contract) if contract.source.changes == "append" else ruled


def _ordered(contract: Contract) -> WindowSpec:
    return Window.partitionBy(*contract.identity).orderBy(*order(contract))


def _deleted(contract: Contract) -> Column:
    if contract.captured:
        return f.col("_op") == "d"
    mark = contract.source.deleted
    return f.lit(False) if mark is None else f.coalesce(f.col(mark), f.lit(False))


def _without_repeats(changes: DataFrame, contract: Contract) -> DataFrame:
    passes = f.col("_rules").isNull()
    content = f.when(
        passes, f.struct(*(comparable(f.col(name), changes.schema[name].dataType) for name in _names(contract)))
    )
    ordered = _ordered(contract)
    marked = changes.withColumn("_content", content).withColumns(
        {"_nth": f.sum(passes.cast("int")).over(ordered), "_first": f.first("_content", ignorenulls=True).over(ordered)}
    )
    repeats = passes & (f.col("_nth") > 1)
    differs = repeats & ~f.col("_content").eqNullSafe(f.col("_first"))
    known = ", ".join(contract.identity)
    return (
        marked.withColumns({"_repeats": repeats, "_differs": differs})
        .where(~f.col("_repeats") | f.col("_differs"))
        .withColumns(
            {
                "_rules": f.when(f.col("_differs"), f.lit(REPEATED)).otherwise(f.col("_rules")),
                "_reason": f.when(f.col("_differs"), f.lit(f"{known} came before with other content")).otherwise(
                    f.col("_reason")
                ),
            }
        )
        .drop("_content", "_nth", "_first", "_repeats", "_differs")
    )


def passing(changes: DataFrame, contract: Contract) -> DataFrame:
    """Return the passing changes: the contract's fields, tokenised where required, and each change's position."""
    good = hidden(changes.where(f.col("_rules").isNull()), contract)
    return good.select(*_names(contract), "_deleted", *POSITION)


def quarantined(changes: DataFrame, contract: Contract) -> DataFrame:
    """Return the quarantined changes: key, fields as JSON, violated rules, and each change's position."""
    bad = hidden(changes.where(f.col("_rules").isNotNull()), contract)
    payload = f.to_json(f.struct(*_names(contract)))
    cdc = ("_op", "_lsn") if contract.captured else ()
    return bad.select(*contract.identity, payload.alias("_payload"), "_rules", "_reason", *cdc, *POSITION)


def hidden(rows: DataFrame, contract: Contract) -> DataFrame:
    """Return the rows with tokens in the tokenised columns that exist."""
    shown = [name for name in contract.tokenised if name in rows.columns]
    return rows.withColumns({name: tokenised(name, rows.schema[name].dataType) for name in shown}) if shown else rows


def _names(contract: Contract) -> list[str]:
    return [field.name for field in contract.record.fields]


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
