"""Rules that judge a difference as allowed or breaking. The first matching rule of the table applies.

The plan refuses a breaking difference. The facts follow a prefix such as
`include/schemas/retail/baskets.avsc: field "total": `.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from headrace.planning import widening
from headrace.planning.differences import Difference
from headrace.planning.resources import Kind

TOPIC_PROPERTY: Final = "headrace.topic"
"""Property of a lake table with the topic that fills it."""
POSITION_COMMENT: Final = "Offset in topic "
"""Start of the comment of a warehouse table's `_offset`. The topic's name follows."""

PRECEDENCE_COMMENT: Final = "The record of an identity with the greatest value is its row: "
"""Start of the comment of a warehouse table's `_precedence`. What decides follows."""

LAKE: Final[tuple[Kind, ...]] = ("lake_table",)
WAREHOUSE: Final[tuple[Kind, ...]] = ("warehouse_table",)
SERVING: Final[tuple[Kind, ...]] = ("serving_table",)
TABLES: Final[tuple[Kind, ...]] = LAKE + WAREHOUSE + SERVING
REQUIRING: Final[tuple[Kind, ...]] = LAKE + SERVING
"""Kinds whose columns declare nullability separately from their type."""
TOPIC: Final[tuple[Kind, ...]] = ("topic",)
SUBJECT: Final[tuple[Kind, ...]] = ("subject",)
CONNECTOR: Final[tuple[Kind, ...]] = ("connector",)
ANY: Final[tuple[Kind, ...]] = (*TABLES, "warehouse_view", *TOPIC, *SUBJECT, *CONNECTOR)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the table."""

    id: str
    kinds: tuple[Kind, ...]
    path: re.Pattern[str]
    when: Callable[[Difference], bool]
    fact: str
    """Message; may contain {before}, {after} and {incompatible}."""
    next_step: str
    """What to do instead; empty when the difference may be applied."""

    @property
    def breaking(self) -> bool:
        """Return whether the difference is refused."""
        return bool(self.next_step)

    def matches(self, difference: Difference) -> bool:
        """Return whether this rule applies to the difference."""
        return (
            difference.kind in self.kinds and self.path.fullmatch(difference.path) is not None and self.when(difference)
        )

    def message(self, difference: Difference) -> str:
        """Return the fact for this difference."""
        return self.fact.format(before=difference.before, after=difference.after, incompatible=difference.incompatible)


def judge(difference: Difference) -> Rule:
    """Return the rule that applies. The last rule of the table matches everything."""
    return next(rule for rule in RULES if rule.matches(difference))


def _always(_: Difference) -> bool:
    return True


def _added(d: Difference) -> bool:
    return d.before is None


def _removed(d: Difference) -> bool:
    return d.after is None


def _replaced(d: Difference) -> bool:
    return d.before is not None


def _in_key(d: Difference) -> bool:
    return d.in_key


def _incompatible(d: Difference) -> bool:
    return bool(d.incompatible)


def _added_without_value(d: Difference) -> bool:
    column = d.after
    if d.before is not None or column is None:
        return False
    if d.kind in REQUIRING:
        return bool(column["required"])
    return not widening.holds_null(column["type"]) and column.get("default") is None


def _now_required(d: Difference) -> bool:
    return d.after is True


def _tightened(d: Difference) -> bool:
    return widening.compare(d.before, d.after) == "tightened"


def _changed(d: Difference) -> bool:
    return widening.compare(d.before, d.after) == "changed"


def _position_moved(d: Difference) -> bool:
    return str(d.before or "").startswith(POSITION_COMMENT)


_BESIDE: Final = "Add a new field beside it, or a new dataset"
_COLUMN: Final = r"columns\.[^.]+"
_TYPE: Final = r"columns\.[^.]+\.type"
_NEW_DATASET: Final = "Create a new dataset for it, and retire this one when nothing reads it"


def _rule(
    name: str,
    kinds: tuple[Kind, ...],
    path: str,
    when: Callable[[Difference], bool],
    fact: str,
    *,
    instead: str = "",
) -> Rule:
    return Rule(name, kinds, re.compile(path), when, fact, instead)


RULES: Final[tuple[Rule, ...]] = (
    _rule(
        "column-removed", TABLES, _COLUMN, _removed,
        "it is stored but no longer declared",
        instead="Declare it again (it may stay unused), or create a new dataset without it",
    ),
    _rule(
        "column-without-value", TABLES, _COLUMN, _added_without_value,
        "the rows that exist have no value for this new required field",
        instead="Make it nullable or give it a default",
    ),
    _rule("column-added", TABLES, _COLUMN, _added, "new column"),
    _rule(
        "key-changed", WAREHOUSE + SERVING, _TYPE, _in_key,
        "it is part of the key, and its type would change from {before} to {after}",
        instead=_NEW_DATASET,
    ),
    _rule(
        "type-changed", TABLES, _TYPE, _changed,
        "{before} → {after} changes stored values",
        instead=_BESIDE,
    ),
    _rule(
        "nullable-to-required", TABLES, _TYPE, _tightened,
        "{before} → {after}, but stored rows may hold null",
        instead="Leave it nullable, or add a required field with a default beside it",
    ),
    _rule(
        "nullable-to-required", REQUIRING, r"columns\.[^.]+\.required", _now_required,
        "it becomes required, but stored rows may hold null",
        instead="Leave it nullable, or add a required field with a default beside it",
    ),
    _rule("type-widened", TABLES, _TYPE, _always, "{before} → {after} holds all stored values"),
    _rule("now-nullable", REQUIRING, r"columns\.[^.]+\.required", _always, "it may now be null"),
    _rule(
        "source-changed", WAREHOUSE, r"columns\._offset\.comment", _position_moved,
        "another topic would feed this table ({before} → {after}), "
        "whose offsets do not follow the stored ones",
        instead=_NEW_DATASET,
    ),
    _rule(
        "version-changed", WAREHOUSE, r"columns\._precedence\.comment", _always,
        "the rows would be chosen otherwise ({before} → {after}) than the stored ones",
        instead=_NEW_DATASET,
    ),
    _rule("text-changed", TABLES, r"columns\.[^.]+\.(doc|comment)", _always, "new description"),
    _rule(
        "source-changed", LAKE, r"properties\." + re.escape(TOPIC_PROPERTY), _replaced,
        "another source would feed this table: topic {before} → {after}",
        instead=_NEW_DATASET,
    ),
    _rule(
        "format-changed", LAKE, r"properties\.format-version", _replaced,
        "the table has Iceberg format version {before}, not {after}",
        instead="Rewrite the table manually, or create a new dataset",
    ),
    _rule(
        "partitioning-changed", TABLES, r"partition|partition_by", _always,
        "partitioning by {before} → {after} would rewrite the table",
        instead=_NEW_DATASET,
    ),
    _rule(
        "key-changed", WAREHOUSE, r"order_by", _in_key,
        "the key changes from ({before}) to ({after}), which would merge or split stored rows",
        instead=_NEW_DATASET,
    ),
    _rule(
        "key-changed", SERVING, r"key", _always,
        "the key changes from ({before}) to ({after}), which would merge or split stored rows",
        instead=_NEW_DATASET,
    ),
    _rule(
        "order-changed", WAREHOUSE, r"order_by", _always,
        "ordering by ({before}) → ({after}) would rewrite the table",
        instead="Keep the order of the key's fields, or create a new dataset",
    ),
    _rule(
        "engine-changed", WAREHOUSE, r"engine", _always,
        "the engine {before} → {after} would rewrite the table",
        instead="Keep the engine, or create a new dataset",
    ),
    _rule(
        "partitions-changed", TOPIC, r"partitions", _always,
        "{before} → {after} partitions would move keys between partitions and lose their order",
        instead="Keep the number of partitions, or create a new dataset",
    ),
    _rule(
        "key-changed", SUBJECT, r"key(\..*)?", _always,
        "the record key differs from the registered one: {incompatible}",
        instead=_NEW_DATASET,
    ),
    _rule(
        "schema-incompatible", SUBJECT, r"schema(\..*)?", _incompatible,
        "{incompatible}",
        instead=_BESIDE,
    ),
    _rule("schema-evolved", SUBJECT, r"schema(\..*)?", _always, "compatible change of the schema"),
    _rule("level-changed", SUBJECT, r"compatibility", _always, "compatibility {before} → {after}"),
    _rule(
        "source-changed", CONNECTOR, r"config\.(topic\.prefix|slot\.name)", _replaced,
        "the connector would lose its position in the source ({before} → {after}) and miss changes",
        instead="Keep the name, or remove the connector and take a fresh snapshot",
    ),
    _rule(
        "source-tables-changed", CONNECTOR, r"config\.table\.include\.list", _replaced,
        "the connector reads other tables: {before} → {after}",
    ),
    _rule("changed", ANY, r".*", _always, "{before} → {after}"),
)  # fmt: skip
"""Rules from the specific to the general, for each kind and path."""
