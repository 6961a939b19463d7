"""Run checks on a served view: one scan for all checks, one query per rule of type sql, all read-only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from headrace.contracts import names
from headrace.contracts.contract import Contract, Severity
from headrace.errors import SystemRefused
from headrace.planning.check_sql import (
    EXAMPLES,
    CheckQuery,
    Query,
    SqlRule,
    check_queries,
    one_scan,
    promised_s,
    sql_rules,
)
from headrace.planning.exposure import classified, hidden
from headrace.services.quality.outcomes import OBSERVED_LENGTH, Outcome, examples, such_as
from headrace.systems.warehouse.hook import WarehouseHook

FRESHNESS: Final = "freshness"
FRESHNESS_WINDOW_S: Final = 86_400
"""Seconds of the window of the freshness check: changes that became readable in the last day."""


def limits(execution_s: int, memory_mb: int) -> dict[str, Any]:
    """Return ClickHouse's settings for a read-only query with a time limit and a memory limit.

    With `readonly` 1 a query can change no setting, so it cannot raise its own limits.
    """
    return {
        "readonly": 1,
        "max_execution_time": execution_s,
        "timeout_overflow_mode": "throw",
        "max_memory_usage": memory_mb * 2**20,
        "max_result_rows": 1_000,
        "result_overflow_mode": "throw",
    }


class ServedChecks:
    """Runs the checks of the contracts on the served views."""

    def __init__(self, warehouse: WarehouseHook, contracts: Mapping[str, Contract], limits: Mapping[str, Any]) -> None:
        self._warehouse = warehouse
        self._contracts = contracts
        self._limits = limits

    def run(self, dataset: str) -> tuple[Outcome, ...]:
        """Return the outcome of every check and rule of one dataset. A check that cannot be evaluated has not passed.

        Raises:
            SystemUnavailable: the warehouse does not answer.
            ValueError: a rule of the contract is invalid.
        """
        contract = self._contracts[dataset]
        queries = check_queries(contract, self._contracts)
        found = [
            *self._all(contract, queries),
            *(self._ruled(contract, rule) for rule in sql_rules(contract)),
            *self._fresh(contract),
        ]
        return tuple(found)

    def _all(self, contract: Contract, queries: tuple[CheckQuery, ...]) -> Iterator[Outcome]:
        try:
            measured = self._rows(one_scan(contract, queries))[0]
        except SystemRefused:  # one of them cannot be evaluated: run each alone to find it
            yield from (self._alone(contract, each) for each in queries)
            return
        yield from (self._outcome(contract, each, found) for each, found in zip(queries, measured, strict=True))

    def _alone(self, contract: Contract, query: CheckQuery) -> Outcome:
        try:
            return self._outcome(contract, query, self._rows(one_scan(contract, (query,)))[0][0])
        except SystemRefused as refused:
            return _not_evaluated(
                query.check.name, query.check.severity, query.check.field, query.check.expectation, refused
            )

    def _outcome(self, contract: Contract, query: CheckQuery, measured: int) -> Outcome:
        check, passed = query.check, query.holds(measured)
        shown = () if passed or query.rows is None else self._examples(query.rows, lambda _: contract.classifications)
        observed = such_as(shown) if query.rows else f"found {measured}"
        unexpected = measured if query.rows else None
        return Outcome(check.name, check.severity, check.field, passed, unexpected, observed, check.expectation, shown)

    def _ruled(self, contract: Contract, rule: SqlRule) -> Outcome:
        try:
            found = self._rows(Query(rule.query))
            if len(found) != 1 or len(found[0]) != 1:
                raise ValueError("the rule's query must return one number")
            number = found[0][0]
            passed = rule.holds(number)
        except (SystemRefused, ValueError, TypeError) as error:
            return _not_evaluated(rule.name, rule.severity, rule.field, rule.query, error)
        shown = () if passed or rule.rows is None else self._written_examples(rule.rows)
        counted = rule.rows is not None and (rule.condition, rule.wanted) == ("mustBe", 0)
        observed = such_as(shown) if counted else f"found {number}"
        unexpected = int(number) if counted else None
        return Outcome(rule.name, rule.severity, rule.field, passed, unexpected, observed, rule.query, shown)

    def _fresh(self, contract: Contract) -> Iterator[Outcome]:
        """Yield whether 95 of 100 changes of the last day became readable within the SLA. Late rows are still valid."""
        promised = promised_s(contract)
        if promised is None:
            return
        expectation = f"{FRESHNESS} of {promised:g} s"
        try:
            changes = names.changes_table(contract)
            found = self._warehouse.freshness(changes, FRESHNESS_WINDOW_S, captured=contract.captured)
        except SystemRefused as refused:
            yield _not_evaluated(FRESHNESS, "warning", None, expectation, refused)
            return
        passed = found is None or found.p95 <= promised
        observed = (
            f"found {found.p95:.2f} s, in {found.changes} changes" if found else "found no change in the last day"
        )
        yield Outcome(FRESHNESS, "warning", None, passed, None, observed, expectation)

    def _written_examples(self, sql: str) -> tuple[str, ...]:
        """Return the first failing rows of a rule's own query."""
        return self._examples(Query(sql), lambda names: self._hidden(sql, names))

    def _hidden(self, sql: str, columns: Sequence[str]) -> Mapping[str, str]:
        """Return the columns of a rule's own query whose values must be hidden."""
        contracts = self._contracts.values()
        fields = {field.name: None for contract in contracts for field in contract.record.fields}
        return hidden(sql, columns, {**fields, **classified(contracts)}, "clickhouse")

    def _examples(self, query: Query, hides: Callable[[Sequence[str]], Mapping[str, str]]) -> tuple[str, ...]:
        """Return the first failing rows; none if the query fails, since the outcome is valid without them.

        `hides` returns, for the columns' names, the replacements of the columns to hide.
        """
        try:
            columns, rows = self._warehouse.table(query.sql, query.parameters, settings=self._limits)
        except SystemRefused:
            return ()
        found = (dict(zip(columns, row, strict=True)) for row in rows[:EXAMPLES])
        return examples(found, hides(columns))

    def _rows(self, query: Query) -> list[Any]:
        return self._warehouse.rows(query.sql, query.parameters, settings=self._limits)


def _not_evaluated(name: str, severity: Severity, field: str | None, expectation: str, error: Exception) -> Outcome:
    why = error.message if isinstance(error, SystemRefused) else str(error)
    observed = f"could not be evaluated: {why}"[:OBSERVED_LENGTH]
    return Outcome(name, severity, field, False, None, observed, expectation)
