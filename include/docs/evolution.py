"""Tables of docs/reference/contracts.md generated from the plan's rules."""

from __future__ import annotations

from headrace.planning.compatibility import PROMOTIONS
from headrace.planning.rules import ANY, RULES
from headrace.planning.widening import WIDENINGS
from include.docs.markdown import code, table

PLACES = {
    "lake_table": "lake",
    "warehouse_table": "warehouse",
    "warehouse_view": "view",
    "serving_table": "PostgreSQL",
    "topic": "topic",
    "subject": "subject",
    "connector": "connector",
}


def plan_rules() -> str:
    """Return a table of the plan's rules for differences, in order of evaluation."""
    rows = [
        (
            code(rule.id),
            "all" if rule.kinds == ANY else ", ".join(PLACES[kind] for kind in rule.kinds),
            _fact(rule.fact),
            f"**refused**: {rule.next_step}" if rule.breaking else "applied",
        )
        for rule in RULES
    ]
    return table(("rule", "where", "when", "what happens"), rows)


def widenings() -> str:
    """Return a table of type changes that keep every stored value, and of Avro's promotions."""
    stored = [f"{code(old)} → {code(new)}" for old, new in sorted(WIDENINGS)]
    stored.append("a decimal with more digits and the same scale")
    promoted = [f"{code(old)} → {', '.join(code(new) for new in sorted(news))}" for old, news in PROMOTIONS.items()]
    rows = [
        ("stored values are kept (lake, warehouse)", "; ".join(stored)),
        ("Avro promotes one to the other", "; ".join(promoted)),
    ]
    return table(("", "changes of type"), rows)


def _fact(fact: str) -> str:
    shown = fact.format(before="*old*", after="*new*", incompatible="*what Avro cannot read, and where*")
    return shown if shown != "*old* → *new*" else "any other difference"
