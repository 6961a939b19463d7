"""Render the checks of a served dataset as ClickHouse SQL: one scan for all checks, and the first failing rows of one.

The checks are those of cleaned, run on the served view. Values are query parameters, and names are quoted. A rule of
type sql is its author's own query, in which `{object}` is the view and `{property}` the field.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from headrace.contracts import names
from headrace.contracts.contract import Contract, Rule, Severity
from headrace.planning import checks as c
from headrace.planning.ddl import identifier, qualified

EXAMPLES: Final = 5
"""Number of failing rows that are shown per check."""
COUNT: Final = re.compile(r"\s*SELECT\s+count\(\s*\*?\s*\)\s+FROM\b", re.IGNORECASE)
"""Start of a rule query that counts the failing rows. The rows themselves can then be queried too."""
CONDITIONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "mustBe": lambda found, wanted: found == wanted,
    "mustNotBe": lambda found, wanted: found != wanted,
    "mustBeGreaterThan": lambda found, wanted: found > wanted,
    "mustBeGreaterOrEqualTo": lambda found, wanted: found >= wanted,
    "mustBeLessThan": lambda found, wanted: found < wanted,
    "mustBeLessOrEqualTo": lambda found, wanted: found <= wanted,
    "mustBeBetween": lambda found, wanted: wanted[0] <= found <= wanted[1],
    "mustNotBeBetween": lambda found, wanted: not wanted[0] <= found <= wanted[1],
}


@dataclass(frozen=True, slots=True)
class Query:
    """SQL with a `{name:Type}` placeholder for each parameter."""

    sql: str
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class CheckQuery:
    """One check, as an aggregate over the view and as a query for the first rows that break it."""

    check: c.Check
    measure: Query
    """Number of rows that break it; for a row count, the number of all rows."""
    rows: Query | None
    """Query for the failing rows; None when no single row fails."""

    def holds(self, found: int) -> bool:
        """Return whether the check passes with the measured number."""
        least, most = self.check.arguments.get("min_value"), self.check.arguments.get("max_value")
        if self.check.expectation != c.ROW_COUNT:
            return found == 0
        return (least is None or found >= least) and (most is None or found <= most)


@dataclass(frozen=True, slots=True)
class SqlRule:
    """One rule of type sql."""

    name: str
    severity: Severity
    field: str | None
    query: str
    """Query that returns one number."""
    rows: str | None
    """Query for the first rows that break it, when it can be derived; else None."""
    condition: str
    wanted: Any = dataclasses.field(hash=False)

    def holds(self, found: Any) -> bool:
        """Return whether the number meets the rule's condition. Raises TypeError when it is not a number."""
        return CONDITIONS[self.condition](found, self.wanted)


def check_queries(contract: Contract, contracts: Mapping[str, Contract]) -> tuple[CheckQuery, ...]:
    """Return every check that can run on the served view. References to datasets that are not served here are omitted.

    Raises ValueError for a rule that cannot be checked.
    """
    return tuple(
        _check_query(contract, check)
        for check in served_checks(contract)
        if check.expectation != c.REFERENCE or _meet(contract, contracts[check.arguments["dataset"]], check)
    )


def served_checks(contract: Contract) -> tuple[c.Check, ...]:
    """Return the checks of the view.

    A stream serves clear values of tokenised fields. A load serves the cleaned values.
    """
    return c.checks(contract if contract.loaded else replace(contract, tokenised=()))


def promised_s(contract: Contract) -> float | None:
    """Return the freshness that can be checked; None for a loaded dataset, which is as fresh as its last refinement."""
    return None if contract.loaded else contract.freshness_s


def _meet(contract: Contract, other: Contract, check: c.Check) -> bool:
    """Return whether both datasets are served here, and both in clear or both as tokens."""
    hidden = any(name in contract.tokenised for name in check.arguments["columns"])
    return other.serving == "clickhouse" and (not hidden or contract.loaded == other.loaded)


def one_scan(contract: Contract, queries: tuple[CheckQuery, ...]) -> Query:
    """Return one query with one column per check, in order. Aliases start with `_`, so they cannot hide a field."""
    columns, parameters = [], {}
    for number, each in enumerate(queries):
        sql = each.measure.sql
        for name, value in each.measure.parameters.items():
            sql = sql.replace(f"{{{name}:", f"{{_{number}_{name}:")
            parameters[f"_{number}_{name}"] = value
        columns.append(f"    {sql} AS _{number}")
    selected = ",\n".join(columns)
    return Query(f"SELECT\n{selected}\nFROM {qualified(names.view(contract))}", parameters)


def sql_rules(contract: Contract) -> tuple[SqlRule, ...]:
    """Return the contract's rules of type sql."""
    return tuple(_sql_rule(contract, rule) for rule in contract.quality if rule.kind == "sql")


def _sql_rule(contract: Contract, rule: Rule) -> SqlRule:
    query = str(rule.definition["query"]).strip("; \n\t")
    for placeholder, name in (("object", qualified(names.view(contract))), ("property", identifier(rule.field or ""))):
        query = query.replace(f"${{{placeholder}}}", name).replace(f"{{{placeholder}}}", name)
    condition = next(key for key in CONDITIONS if key in rule.definition)
    counted = COUNT.match(query)
    rows = f"SELECT * FROM (SELECT * FROM{query[counted.end() :]}) LIMIT {EXAMPLES}" if counted else None  # noqa: S608
    return SqlRule(rule.name, rule.severity, rule.field, query, rows, condition, rule.definition[condition])


def _check_query(contract: Contract, check: c.Check) -> CheckQuery:
    view, arguments = qualified(names.view(contract)), check.arguments
    if check.expectation == c.ROW_COUNT:
        return CheckQuery(check, Query("count()"), None)
    if check.expectation in (c.UNIQUE, c.UNIQUE_TOGETHER):
        columns = arguments.get("column_list") or [arguments["column"]]
        named = ", ".join(identifier(name) for name in columns)
        there = " AND ".join(f"{identifier(name)} IS NOT NULL" for name in columns)
        distinct = named if len(columns) == 1 else f"({named})"
        rows = (
            f"SELECT {named}, count() AS times FROM {view} WHERE {there}"  # noqa: S608 - quoted names
            f" GROUP BY {named} HAVING times > 1 ORDER BY {named} LIMIT {EXAMPLES}"
        )
        return CheckQuery(check, Query(f"countIf({there}) - uniqExactIf({distinct}, {there})"), Query(rows))
    broken = _BROKEN[check.expectation](check)
    columns = dict.fromkeys((*contract.identity, *arguments.get("columns", [check.field])))
    shown, key = (", ".join(identifier(name) for name in each) for each in (columns, contract.identity))
    rows = f"SELECT {shown} FROM {view} WHERE {broken.sql} ORDER BY {key} LIMIT {EXAMPLES}"  # noqa: S608 - quoted names
    return CheckQuery(check, Query(f"countIf({broken.sql})", broken.parameters), Query(rows, broken.parameters))


def _unknown(check: c.Check) -> Query:
    mine, its = check.arguments["columns"], check.arguments["to"]
    there = " AND ".join(f"{identifier(name)} IS NOT NULL" for name in mine)
    row, known = (", ".join(identifier(name) for name in columns) for columns in (mine, its))
    other = f"SELECT {known} FROM {qualified(check.arguments['dataset'])}"  # noqa: S608 - quoted names
    return Query(f"{there} AND ({row}) NOT IN ({other})")


def _null(check: c.Check) -> Query:
    return Query(f"{identifier(check.arguments['column'])} IS NULL")


def _outside(check: c.Check) -> Query:
    column = identifier(check.arguments["column"])
    limits = {"least": check.arguments.get("min_value"), "most": check.arguments.get("max_value")}
    given = {name: value for name, value in limits.items() if value is not None}
    beyond = " OR ".join(f"{column} {_BEYOND[name]} {_parameter(name, value)}" for name, value in given.items())
    return Query(f"{column} IS NOT NULL AND ({beyond or 'false'})", given)


def _in(negation: str) -> Callable[[c.Check], Query]:
    def query(check: c.Check) -> Query:
        column, values = identifier(check.arguments["column"]), list(check.arguments["value_set"])
        if not values:  # no value is in an empty list
            return Query(f"{column} IS NOT NULL" if negation else "false")
        sql = f"{column} IS NOT NULL AND {column} {negation}IN {_parameter('values', values)}"
        return Query(sql, {"values": values})

    return query


def _unlike(check: c.Check) -> Query:
    column = identifier(check.arguments["column"])
    pattern = {"pattern": check.arguments["regex"]}
    return Query(f"{column} IS NOT NULL AND NOT match({column}, {{pattern:String}})", pattern)


def _parameter(name: str, value: Any) -> str:
    """Return the placeholder of a value with its type. A list of whole and other numbers is one of Float64."""
    if isinstance(value, list):
        kinds = {_type(element) for element in value}
        kind = "Float64" if kinds == {"Int64", "Float64"} else _type(value[0])
        return f"{{{name}:Array({kind})}}"
    return f"{{{name}:{_type(value)}}}"


def _type(value: Any) -> str:
    return next((kind for python, kind in _TYPES if isinstance(value, python)), "String")


_BEYOND: Final = {"least": "<", "most": ">"}
_TYPES: Final = ((bool, "Bool"), (int, "Int64"), (float, "Float64"))
_BROKEN: Final[Mapping[str, Callable[[c.Check], Query]]] = {
    c.REFERENCE: _unknown,
    c.NOT_NULL: _null,
    c.BETWEEN: _outside,
    c.IN_SET: _in("NOT "),
    c.NOT_IN_SET: _in(""),
    c.REGEX: _unlike,
}
"""Expectation → condition of a row that breaks it."""
