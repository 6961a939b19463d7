"""Validate the rows of a Spark DataFrame against checks, by Great Expectations.

Its import takes seconds of CPU: never import it at the top of a module. A job that will need it can import it in the
background (`import_beforehand`) while its JVM starts. Great Expectations has no references on Spark: those are
anti-joins of our own.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from headrace.planning.check_sql import EXAMPLES
from headrace.planning.checks import REFERENCE, ROW_COUNT, Check
from headrace.services.quality.outcomes import OBSERVED_LENGTH, Outcome, examples, such_as

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

logging.getLogger("great_expectations").setLevel(logging.WARNING)  # it logs each function that it registers

SEVERITIES: Final = {"error": "critical", "warning": "warning", "info": "info"}
"""Headrace's severity → Great Expectations' severity."""


def validate(
    rows: DataFrame,
    checks: Sequence[Check],
    name: str,
    *,
    others: Mapping[str, DataFrame] | None = None,
    hidden: Mapping[str, str] | None = None,
    key: Sequence[str] = (),
) -> tuple[Outcome, ...]:
    """Return the outcome of every check, in their order. A check that cannot be evaluated has not passed.

    `others` are the datasets that references may point to; a reference to any other is not checked. `hidden` are the
    fields whose values are not shown, each with its classification. `key` are the fields by which a failing row is
    shown.
    """
    known, secret = others or {}, hidden or {}
    found = _expected(rows, [check for check in checks if check.expectation != REFERENCE], name, secret, key)
    for check in checks:
        if check.expectation == REFERENCE and check.arguments["dataset"] in known:
            found[check.name] = _referred(rows, check, known[check.arguments["dataset"]], secret)
    return tuple(found[check.name] for check in checks if check.name in found)


def import_beforehand() -> None:
    """Start the import of Great Expectations in the background."""
    threading.Thread(target=__import__, args=("great_expectations",), daemon=True).start()


def _expected(
    rows: DataFrame, checks: Sequence[Check], name: str, hidden: Mapping[str, str], key: Sequence[str]
) -> dict[str, Outcome]:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.expectations.metadata_types import FailureSeverity
    from great_expectations.expectations.registry import get_expectation_impl

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_spark("lake").add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": rows})

    def run(some: Sequence[Check], **wanted: Any) -> dict[str, Any]:
        suite = gx.ExpectationSuite(name=name)
        for check in {_question(check): check for check in some}.values():
            expectation = get_expectation_impl(check.expectation)
            severity = FailureSeverity(SEVERITIES[check.severity])
            suite.add_expectation(expectation(**check.arguments, severity=severity, meta={"check": _question(check)}))
        result = batch.validate(suite, result_format={"partial_unexpected_count": EXAMPLES, **wanted})
        answers = {(r.expectation_config.meta or {})["check"]: r for r in result.results if r.expectation_config}
        return {check.name: answers[_question(check)] for check in some}

    # One query checks all; one more query for each broken check finds the failing values or rows.
    found = run(checks, result_format="BOOLEAN_ONLY")
    if closer := [check for check in checks if check.expectation == ROW_COUNT or not found[check.name].success]:
        by_key = {"unexpected_index_column_names": list(key)} if key else {}
        found |= run(closer, result_format="SUMMARY", **by_key)
    return {check.name: _outcome(check, found[check.name], hidden) for check in checks}


def _question(check: Check) -> str:
    """Return the identity of a check: Great Expectations keeps only one of two equal expectations."""
    return f"{check.expectation} {json.dumps(dict(check.arguments), sort_keys=True, default=str)}"


def _outcome(check: Check, found: Any, hidden: Mapping[str, str]) -> Outcome:
    result = found.result or {}
    kept = 0 if found.success and not result else None
    unexpected, shown = result.get("unexpected_count", kept), _examples(check, result, hidden)
    if raised := _raised(found.exception_info or {}):
        observed = f"could not be evaluated: {raised}"
    elif "observed_value" in result:
        observed = f"found {result['observed_value']}"
    else:
        observed = such_as(shown)
    shortened = observed[:OBSERVED_LENGTH]
    return _of(check, passed=bool(found.success), unexpected=unexpected, observed=shortened, examples=shown)


def _examples(check: Check, result: Mapping[str, Any], hidden: Mapping[str, str]) -> tuple[str, ...]:
    """Return the first failing rows, if requested by key; else the values, of one column or of several as a row."""
    values = result.get("partial_unexpected_index_list") or result.get("partial_unexpected_list") or ()
    column = check.arguments.get("column", "value")
    return examples((value if isinstance(value, Mapping) else {column: value} for value in values), hidden)


def _raised(info: Mapping[str, Any]) -> str:
    """Return why a check could not be evaluated; Great Expectations has one exception, or one per metric."""
    infos = [info, *(each for each in info.values() if isinstance(each, dict))]
    return "; ".join(dict.fromkeys(each["exception_message"] for each in infos if each.get("exception_message")))


def _referred(rows: DataFrame, check: Check, other: DataFrame, hidden: Mapping[str, str]) -> Outcome:
    mine, its = check.arguments["columns"], check.arguments["to"]
    there = other.select(*(other[name].alias(mine_name) for name, mine_name in zip(its, mine, strict=True)))
    orphans = rows.select(*mine).dropna().join(there, mine, "left_anti")
    count = orphans.count()
    shown = examples((row.asDict() for row in orphans.distinct().limit(EXAMPLES).collect()), hidden) if count else ()
    return _of(check, passed=not count, unexpected=count, observed=such_as(shown), examples=shown)


def _of(check: Check, **found: Any) -> Outcome:
    return Outcome(check.name, check.severity, check.field, expectation=check.expectation, **found)
