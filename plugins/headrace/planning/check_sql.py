"""The checks of a served dataset as ClickHouse SQL: many in one scan, and the first failing rows of one of them.

The checks are those of cleaned, of the served view; values stand in parameters, names are quoted. A rule of type sql is
its author's own query, of which `{object}` is the view and `{property}` the field.
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
"""Failing rows that are shown of a check."""
COUNT: Final = re.compile(r"\s*SELECT\s+count\(\s*\*?\s*\)\s+FROM\b", re.IGNORECASE)
"""How a rule begins that counts the rows which break it: then the rows themselves can be had too."""
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
    """SQL with `{name:Type}` for each of its parameters."""

    sql: str
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """One check, as an aggregate over the view and as a query for the first rows that break it."""

    check: c.Check
    measure: Query
    """Rows that break it; for a row count the rows that there are."""
    rows: Query | None
    """None where no row is at fault."""

    def holds(self, found: int) -> bool:
        """Whether the check passes with what was measured."""
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
    """Gives one number."""
    rows: str | None
    """Gives the first rows that break it, where that follows from the query."""
    condition: str
    wanted: Any = dataclasses.field(hash=False)

    def holds(self, found: Any) -> bool:
        """Whether the number is what the rule asks for. Raises TypeError for what is no number."""
        return CONDITIONS[self.condition](found, self.wanted)


def asked_of_view(contract: Contract, contracts: Mapping[str, Contract]) -> tuple[Asked, ...]:
    """Every check that can be asked of the served view. A reference to what is not served here is left out.

    Raises ValueError for a rule that cannot be asked.
    """
    return tuple(
        _asked(contract, check)
        for check in served_checks(contract)
        if check.expectation != c.REFERENCE or _meet(contract, contracts[check.arguments["dataset"]], check)
    )


def served_checks(contract: Contract) -> tuple[c.Check, ...]:
    """The checks of the view: a stream serves in clear what cleaned hides, a load serves what cleaned has."""
    return c.checks(contract if contract.loaded else replace(contract, tokenised=()))


def promised_s(contract: Contract) -> float | None:
    """The freshness that can be asked of what is served; None of a load, which is as fresh as its last refinement."""
    return None if contract.loaded else contract.freshness_s


def _meet(contract: Contract, other: Contract, check: c.Check) -> bool:
    """Whether both are served here, and both in clear or both as tokens."""
    hidden = any(name in contract.tokenised for name in check.arguments["columns"])
    return other.serving == "clickhouse" and (not hidden or contract.loaded == other.loaded)


def one_scan(contract: Contract, asked: tuple[Asked, ...]) -> Query:
    """All of them in one query, with one column each in their order. An alias could hide a field; a field has no `_`."""
    columns, parameters = [], {}
    for number, each in enumerate(asked):
        sql = each.measure.sql
        for name, value in each.measure.parameters.items():
            sql = sql.replace(f"{{{name}:", f"{{_{number}_{name}:")
            parameters[f"_{number}_{name}"] = value
        columns.append(f"    {sql} AS _{number}")
    selected = ",\n".join(columns)
    return Query(f"SELECT\n{selected}\nFROM {qualified(names.view(contract))}", parameters)


def sql_rules(contract: Contract) -> tuple[SqlRule, ...]:
    """The contract's rules of type sql."""
    return tuple(_sql_rule(contract, rule) for rule in contract.quality if rule.kind == "sql")


def _sql_rule(contract: Contract, rule: Rule) -> SqlRule:
    query = str(rule.definition["query"]).strip("; \n\t")
    for word, name in (("object", qualified(names.view(contract))), ("property", identifier(rule.field or ""))):
        query = query.replace(f"${{{word}}}", name).replace(f"{{{word}}}", name)
    condition = next(key for key in CONDITIONS if key in rule.definition)
    counted = COUNT.match(query)
    rows = f"SELECT * FROM (SELECT * FROM{query[counted.end() :]}) LIMIT {EXAMPLES}" if counted else None  # noqa: S608
    return SqlRule(rule.name, rule.severity, rule.field, query, rows, condition, rule.definition[condition])


def _asked(contract: Contract, check: c.Check) -> Asked:
    view, arguments = qualified(names.view(contract)), check.arguments
    if check.expectation == c.ROW_COUNT:
        return Asked(check, Query("count()"), None)
    if check.expectation in (c.UNIQUE, c.UNIQUE_TOGETHER):
        columns = arguments.get("column_list") or [arguments["column"]]
        named = ", ".join(identifier(name) for name in columns)
        there = " AND ".join(f"{identifier(name)} IS NOT NULL" for name in columns)
        distinct = named if len(columns) == 1 else f"({named})"
        rows = (
            f"SELECT {named}, count() AS times FROM {view} WHERE {there}"  # noqa: S608 - quoted names
            f" GROUP BY {named} HAVING times > 1 ORDER BY {named} LIMIT {EXAMPLES}"
        )
        return Asked(check, Query(f"countIf({there}) - uniqExactIf({distinct}, {there})"), Query(rows))
    broken = _BROKEN[check.expectation](check)
    columns = dict.fromkeys((*contract.key, *arguments.get("columns", [check.field])))
    shown, key = (", ".join(identifier(name) for name in each) for each in (columns, contract.key))
    rows = f"SELECT {shown} FROM {view} WHERE {broken.sql} ORDER BY {key} LIMIT {EXAMPLES}"  # noqa: S608 - quoted names
    return Asked(check, Query(f"countIf({broken.sql})", broken.parameters), Query(rows, broken.parameters))


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
        if not values:  # nothing is among no values
            return Query(f"{column} IS NOT NULL" if negation else "false")
        sql = f"{column} IS NOT NULL AND {column} {negation}IN {_parameter('values', values)}"
        return Query(sql, {"values": values})

    return query


def _unlike(check: c.Check) -> Query:
    column = identifier(check.arguments["column"])
    pattern = {"pattern": check.arguments["regex"]}
    return Query(f"{column} IS NOT NULL AND NOT match({column}, {{pattern:String}})", pattern)


def _parameter(name: str, value: Any) -> str:
    """The place of a value, with the type that fits it; a list's is that of its first."""
    if isinstance(value, list):
        return f"{{{name}:Array({_type(value[0])})}}"
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
"""Expectation → the condition of a row that breaks it."""
