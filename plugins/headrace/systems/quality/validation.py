"""One validation: checks against the rows of a Spark DataFrame, by Great Expectations.

Importing it costs seconds of CPU: never at the top of a module. A job that will need it can have it imported by the
way (`import_beforehand`) while its JVM starts.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headrace.planning.checks import Check

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SEVERITIES: Final = {"error": "critical", "warning": "warning", "info": "info"}
"""Ours → Great Expectations' own."""
EXAMPLES: Final = 5


class Outcome(NamedTuple):
    """What came of one check. JSON-able by `_asdict`."""

    check: str
    severity: str
    field: str | None
    passed: bool
    unexpected: int | None
    """Rows that break it; None where that is no question of rows."""
    observed: str
    """The first failing values, or what was found instead."""


def validate(rows: DataFrame, checks: Sequence[Check], name: str) -> tuple[Outcome, ...]:
    """The outcome of every check, in their order. A check that could not be evaluated has not passed."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.expectations.metadata_types import FailureSeverity
    from great_expectations.expectations.registry import get_expectation_impl

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_spark("lake").add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": rows})
    suite = gx.ExpectationSuite(name=name)
    for check in checks:
        expectation = get_expectation_impl(check.expectation)
        suite.add_expectation(
            expectation(
                **check.arguments, severity=FailureSeverity(SEVERITIES[check.severity]), meta={"check": check.name}
            )
        )
    result = batch.validate(suite, result_format={"result_format": "BASIC", "partial_unexpected_count": EXAMPLES})
    by_name = {check.name: check for check in checks}
    found = {(r.expectation_config.meta or {})["check"]: r for r in result.results if r.expectation_config}
    return tuple(_outcome(by_name[check], found[check]) for check in by_name)


def forbids(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """In words, what has failed so that nothing may be published."""
    return tuple(
        f"{o.check}: {f'{o.unexpected:,} rows break it, ' if o.unexpected else ''}{o.observed}"
        for o in outcomes
        if not o.passed and o.severity == "error"
    )


def import_beforehand() -> None:
    """Begin to import Great Expectations, beside whatever else goes on."""
    threading.Thread(target=__import__, args=("great_expectations",), daemon=True).start()


def _outcome(check: Check, found: Any) -> Outcome:
    result = found.result or {}
    unexpected = result.get("unexpected_count")
    if raised := _raised(found.exception_info or {}):
        observed = f"could not be evaluated: {raised}"
    elif "observed_value" in result:
        observed = f"found {result['observed_value']}"
    else:
        observed = f"such as {result['partial_unexpected_list']}" if result.get("partial_unexpected_list") else ""
    return Outcome(check.name, check.severity, check.field, bool(found.success), unexpected, observed[:500])


def _raised(info: Mapping[str, Any]) -> str:
    """Why a check could not be evaluated; Great Expectations tells it as it is, or once a metric."""
    told = [info, *(each for each in info.values() if isinstance(each, dict))]
    return "; ".join(dict.fromkeys(each["exception_message"] for each in told if each.get("exception_message")))
