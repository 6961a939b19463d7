"""Read a contract's SLA freshness and its quality rules."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, TypeAlias, get_args

from headrace.contracts.contract import Rule, RuleKind, Severity
from headrace.contracts.documents import Steps
from headrace.contracts.properties import SECONDS

Report: TypeAlias = Callable[[Steps, str, str], None]
"""Function that takes the place, the rule and the message of a broken rule."""

METRICS: Final = ("nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount")
"""Metrics of ODCS quality rules of type library."""

OPERATORS: Final = (
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
)
"""Conditions of a rule of type library or sql. A rule has exactly one."""

_APART: Final = ("name", "type", "severity")


def freshness_s(data: Mapping[str, Any], dataset: str, fields: Collection[str], report: Report) -> float | None:
    """Return the promised freshness in seconds, or None. Report SLA elements that are not fields."""
    promised = None
    for index, item in enumerate(data.get("slaProperties") or ()):
        steps: Steps = ("slaProperties", index)
        for element in str(item.get("element") or "").replace(" ", "").split(","):
            owner, _, name = element.rpartition(".")
            if element and (owner not in ("", dataset) or (name not in fields and name != dataset)):
                what = f"there is no {element!r}; write {dataset}.<field>"
                report((*steps, "element"), "sla", what)
        if item.get("property") != "freshness":
            continue
        value, unit = item.get("value"), item.get("unit")
        if type(value) not in (int, float) or value <= 0 or unit not in SECONDS:
            what = f"freshness is {value!r} {unit!r}; write a positive number and a unit (s, min, h)"
            report(steps, "sla", what)
        elif promised is not None:
            report(steps, "sla", "freshness is promised twice; keep one")
        else:
            promised = value * SECONDS[unit]
    return promised


def quality_rules(schema: Mapping[str, Any], taken: Collection[str], report: Report) -> tuple[Rule, ...]:
    """Return every quality rule of the schema object and its properties.

    Names must be unique. Report a name that a check already uses (`taken`).
    """
    rules: list[Rule] = []
    for steps, field, item in declared(schema, "quality"):
        kind: RuleKind = item.get("type") or "library"
        severity: Severity = item.get("severity") or "error"
        metric = item.get("metric")
        name = item.get("name") or "_".join(filter(None, (field, metric or kind)))
        for message in _problems(item, kind, severity):
            report(steps, "quality", f"rule {name}: {message}")
        if name in taken or name in {rule.name for rule in rules}:
            report(steps, "quality", f"rule {name}: the name is taken; give the rule a unique name")
        definition = {key: value for key, value in item.items() if key not in _APART}
        rules.append(Rule(name, kind, field, severity, definition))
    return tuple(rules)


def declared(schema: Mapping[str, Any], key: str) -> Iterator[tuple[Steps, str | None, Mapping[str, Any]]]:
    """Yield the items under a key of each property, with the property's name, and of the schema object."""
    for index, prop in enumerate(schema.get("properties") or ()):
        for number, item in enumerate(prop.get(key) or ()):
            yield ("schema", 0, "properties", index, key, number), prop.get("name"), item
    for number, item in enumerate(schema.get(key) or ()):
        yield ("schema", 0, key, number), None, item


def _problems(item: Mapping[str, Any], kind: str, severity: str) -> Iterator[str]:
    if kind not in get_args(RuleKind):
        yield f"its type is {kind!r}; write one of {', '.join(get_args(RuleKind))}"
    if severity not in get_args(Severity):
        yield f"its severity is {severity!r}; write one of {', '.join(get_args(Severity))}"
    if kind == "library" and item.get("metric") not in METRICS:
        yield f"its metric is {item.get('metric')!r}; write one of {', '.join(METRICS)}"
    if kind == "sql" and not item.get("query"):
        yield "it has no query; write one that returns a number"
    if kind in ("library", "sql"):
        given = [operator for operator in OPERATORS if operator in item]
        if len(given) != 1:
            yield f"it has {len(given)} conditions; give exactly one, e.g. mustBe: 0"
