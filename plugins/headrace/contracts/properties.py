"""The custom properties of a contract: each declared once, and checked, defaulted and documented
from here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from headrace.contracts.contract import Compatibility, Maintenance, Serving, Source, SourceKind, Zone

_WORD: Final = re.compile(r"[a-z][a-z0-9_]*")
_TABLE: Final = re.compile(r"[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*")
MAX_PARTITIONS: Final = 1_000
SECONDS: Final[Mapping[str, float]] = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 0.001),
    **dict.fromkeys(("s", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3_600.0),
    **dict.fromkeys(("d", "day", "days"), 86_400.0),
}
"""Unit of a time in a contract → seconds."""


@dataclass(frozen=True, slots=True)
class Property:
    """One custom property."""

    name: str
    shape: str
    """What a value looks like, for messages and docs."""
    doc: str
    default: Any
    """What holds when it is not given; None: it must be given, or follows from elsewhere."""
    problem: Callable[[Any], str | None]
    """What is wrong with a value, as a clause; None when nothing is."""
    required: bool = False


def _source_problem(value: Any) -> str | None:
    if not isinstance(value, dict):
        return "is no mapping"
    if unknown := sorted(value.keys() - {"kind", "connection", "table"}):
        return f"has the unknown key {unknown[0]!r}"
    kind, connection, table = value.get("kind"), value.get("connection"), value.get("table")
    if kind not in get_args(SourceKind):
        return f"has the kind {kind!r}"
    if connection is not None and not _is_word(connection):
        return f"has the connection {connection!r}, which is no name"
    if connection is None and kind not in ("event", "mart", "platform"):
        return f"has no connection, which {kind} needs"
    if kind == "cdc" and not (isinstance(table, str) and _TABLE.fullmatch(table)):
        return f"has the table {table!r}, and cdc needs schema.table in lower case"
    if kind == "mart" and connection is not None:
        return "has a connection, and a mart is made out of other datasets"
    if kind != "cdc" and table is not None:
        return f"has a table, and {kind} has none"
    return None


def _zones_problem(value: Any) -> str | None:
    known = get_args(Zone)
    if not isinstance(value, list) or not value:
        return "is no list"
    for zone in value:
        if zone not in known:
            return f"has the unknown zone {zone!r}"
        if zone == "history" and "cleaned" not in value:
            return "has history without cleaned, from which it is built"
    return "names a zone twice" if len(set(value)) != len(value) else None


def _one_of(*known: str) -> Callable[[Any], str | None]:
    return lambda value: None if value in known else f"is {value!r}"


def _partitions_problem(value: Any) -> str | None:
    valid = type(value) is int and 1 <= value <= MAX_PARTITIONS
    return None if valid else f"is {value!r}"


def _words_problem(value: Any) -> str | None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return "is no list of names"
    return "names a field twice" if len(set(value)) != len(value) else None


MAINTENANCE: Final[Mapping[str, tuple[str, int]]] = {
    "targetFileMb": ("target_file_mb", 1),
    "keepDays": ("keep_days", 1),
    "keepSnapshots": ("keep_snapshots", 1),
    "monthlyTags": ("monthly_tags", 0),
    "smallFiles": ("small_files", 0),
}
"""Key of `maintenance` → name of the part, and the least that it may be."""


def _maintenance_problem(value: Any) -> str | None:
    if not isinstance(value, dict):
        return "is no mapping"
    if unknown := sorted(value.keys() - MAINTENANCE.keys()):
        return f"has the unknown key {unknown[0]!r}"
    for key, given in value.items():
        if type(given) is not int or given < MAINTENANCE[key][1]:
            return f"has {key} {given!r}, and it is a whole number of at least {MAINTENANCE[key][1]}"
    return None


def _needs_problem(value: Any) -> str | None:
    if not isinstance(value, list):
        return "is no list"
    for item in value:
        if not isinstance(item, dict) or item.keys() != {"dataset", "zone", "days"}:
            return f"has {item!r}, which is not dataset, zone and days"
        if not (isinstance(item["dataset"], str) and _TABLE.fullmatch(item["dataset"])):
            return f"has the dataset {item['dataset']!r}, which is no domain.dataset"
        if item["zone"] not in get_args(Zone):
            return f"has the unknown zone {item['zone']!r}"
        if type(item["days"]) is not int or item["days"] < 1:
            return f"has days {item['days']!r}, and it is a whole number of at least 1"
    return None


def _every_problem(value: Any) -> str | None:
    number, _, unit = value.partition(" ") if isinstance(value, str) else ("", "", "")
    return None if number.isdecimal() and int(number) and unit in SECONDS else f"is {value!r}"


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


PROPERTIES: Final[Mapping[str, Property]] = {
    declared.name: declared
    for declared in (
        Property(
            "source",
            "{kind: cdc|event|file|api|mart|platform, connection: name, table: schema.table (cdc only)}",
            "Where the rows come from.",
            None,
            _source_problem,
            required=True,
        ),
        Property(
            "zones",
            f"a list of {', '.join(get_args(Zone))}; cleaned needs raw, history needs cleaned; a mart has cleaned alone",
            "The lake zones in which the dataset is kept.",
            ["raw"],
            _zones_problem,
        ),
        Property(
            "serving",
            " or ".join(get_args(Serving)),
            "The store that serves the dataset; none for what the platform writes itself.",
            "clickhouse",
            _one_of(*get_args(Serving)),
        ),
        Property(
            "partitions",
            f"a whole number from 1 to {MAX_PARTITIONS}",
            "Kafka partitions of the topic; they never change once the topic exists.",
            1,
            _partitions_problem,
        ),
        Property(
            "compatibility",
            " or ".join(get_args(Compatibility)),
            "What a new schema version owes the older ones.",
            "BACKWARD",
            _one_of(*get_args(Compatibility)),
        ),
        Property(
            "stream",
            "a name in lower case",
            "The stream group: streams of one group share one driver. The domain by default.",
            None,
            lambda value: None if _is_word(value) else f"is {value!r}",
        ),
        Property(
            "eventTime",
            "the name of a timestamp or date field that is never null",
            "When it happened: the exact lane's intervals and partitions go by it. The commit's time by default.",
            None,
            lambda value: None if isinstance(value, str) and value else f"is {value!r}",
        ),
        Property(
            "refineEvery",
            "a whole number and a unit: 30 s, 5 min, 1 h",
            "The least time between two refinements that landed rows begin. On an idle machine, by day, and when a person asks,"
            " one begins at once. By default what the setting `HEADRACE_REFINE_EVERY_S` says.",
            None,
            _every_problem,
        ),
        Property(
            "tokenised",
            "a list of fields, each with a classification",
            "Fields that leave the raw zone only as a keyed hash, as text; one value gives the same token everywhere.",
            [],
            _words_problem,
        ),
        Property(
            "maintenance",
            "{targetFileMb: 128, keepDays: 7, keepSnapshots: 20, monthlyTags: 0, smallFiles: 200}, any of these",
            "How its lake tables are looked after: size of files, how long and how many snapshots are kept, for how many"
            " months the table can be read as it was at the start of each, and how many small files are too many to wait"
            " for the day's maintenance (0: never too many).",
            {},
            _maintenance_problem,
        ),
        Property(
            "needs",
            "a list of {dataset: domain.dataset, zone: zone, days: number}",
            "Lake tables that it must be able to read as they were, at any moment of so many days. A maintenance that"
            " would drop what another contract needs is refused.",
            [],
            _needs_problem,
        ),
    )
}
"""Every custom property by name."""


def source(value: Mapping[str, Any]) -> Source:
    """The source of a value that was found right."""
    return Source(value["kind"], value.get("connection", ""), value.get("table"))


def refine_every_s(value: str | None) -> float | None:
    """The seconds of a value that was found right, or of none."""
    if value is None:
        return None
    number, unit = value.split(" ")
    return int(number) * SECONDS[unit]


def maintenance(value: Mapping[str, int]) -> Maintenance:
    """The maintenance of a value that was found right."""
    return Maintenance(**{MAINTENANCE[key][0]: given for key, given in value.items()})
