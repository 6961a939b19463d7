"""Custom properties of a contract, each with its check, default and documentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from headrace.contracts import sources
from headrace.contracts.contract import Compatibility, Maintenance, Serving, Zone
from headrace.contracts.sources import NAME, TABLE

MAX_PARTITIONS: Final = 1_000
SECONDS: Final[Mapping[str, float]] = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 0.001),
    **dict.fromkeys(("s", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3_600.0),
    **dict.fromkeys(("d", "day", "days"), 86_400.0),
}
"""Time unit in a contract → seconds."""


@dataclass(frozen=True, slots=True)
class Property:
    """Custom property of a contract."""

    name: str
    shape: str
    """Expected form of a value, for messages and docs."""
    doc: str
    default: Any
    """Default value; None when it is required or is derived from other properties."""
    problem: Callable[[Any], str | None]
    """Check of a value. Returns what is wrong as a clause, or None."""
    required: bool = False


def _zones_problem(value: Any) -> str | None:
    known = get_args(Zone)
    if not isinstance(value, list) or not value:
        return "is not a list"
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


def _names_problem(value: Any) -> str | None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return "is not a list of names"
    return "names a field twice" if len(set(value)) != len(value) else None


MAINTENANCE: Final[Mapping[str, tuple[str, int]]] = {
    "targetFileMb": ("target_file_mb", 1),
    "keepDays": ("keep_days", 1),
    "keepSnapshots": ("keep_snapshots", 1),
    "monthlyTags": ("monthly_tags", 0),
    "smallFiles": ("small_files", 0),
}
"""Key of `maintenance` → (attribute of `Maintenance`, minimum value)."""


def _maintenance_problem(value: Any) -> str | None:
    if not isinstance(value, dict):
        return "is not a mapping"
    if unknown := sorted(value.keys() - MAINTENANCE.keys()):
        return f"has the unknown key {unknown[0]!r}"
    for key, given in value.items():
        if type(given) is not int or given < MAINTENANCE[key][1]:
            return f"has {key} {given!r}, which must be a whole number of at least {MAINTENANCE[key][1]}"
    return None


def _needs_problem(value: Any) -> str | None:
    if not isinstance(value, list):
        return "is not a list"
    for item in value:
        if not isinstance(item, dict) or item.keys() != {"dataset", "zone", "days"}:
            return f"has {item!r}, which is not dataset, zone and days"
        if not (isinstance(item["dataset"], str) and TABLE.fullmatch(item["dataset"])):
            return f"has the dataset {item['dataset']!r}, which is not domain.dataset"
        if item["zone"] not in get_args(Zone):
            return f"has the unknown zone {item['zone']!r}"
        if type(item["days"]) is not int or item["days"] < 1:
            return f"has days {item['days']!r}, which must be a whole number of at least 1"
    return None


def _every_problem(value: Any) -> str | None:
    number, _, unit = value.partition(" ") if isinstance(value, str) else ("", "", "")
    return None if number.isdecimal() and int(number) and unit in SECONDS else f"is {value!r}"


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and NAME.fullmatch(value) is not None


PROPERTIES: Final[Mapping[str, Property]] = {
    declared.name: declared
    for declared in (
        Property(
            "source",
            sources.SHAPE,
            "Source of the rows: who brings the records (`kind`), and what a record means (`changes`: envelope for cdc, else"
            " append by default).",
            None,
            sources.source_problem,
            required=True,
        ),
        Property(
            "zones",
            f"a list of {', '.join(get_args(Zone))}; cleaned needs raw, history needs cleaned; a mart has only cleaned",
            "The lake zones that store the dataset.",
            ["raw"],
            _zones_problem,
        ),
        Property(
            "serving",
            " or ".join(get_args(Serving)),
            "The store that serves the dataset; none for datasets that the platform writes.",
            "clickhouse",
            _one_of(*get_args(Serving)),
        ),
        Property(
            "partitions",
            f"a whole number from 1 to {MAX_PARTITIONS}",
            "Number of Kafka partitions of the topic. It never changes once the topic exists.",
            1,
            _partitions_problem,
        ),
        Property(
            "compatibility",
            " or ".join(get_args(Compatibility)),
            "Compatibility of a new schema version with the older ones.",
            "BACKWARD",
            _one_of(*get_args(Compatibility)),
        ),
        Property(
            "stream",
            "a name in lower case",
            "The stream group. The streams of one group share one driver. Default: the domain.",
            None,
            lambda value: None if _is_name(value) else f"is {value!r}",
        ),
        Property(
            "eventTime",
            "the name of a timestamp or date field that is never null",
            "Field with the event time. The exact lane cuts intervals and partitions by it. Default: the commit time.",
            None,
            lambda value: None if isinstance(value, str) and value else f"is {value!r}",
        ),
        Property(
            "refineEvery",
            "a whole number and a unit: 30 s, 5 min, 1 h",
            "The minimum time between two refinements that landed rows trigger; for a mart, between two builds. On an idle"
            " machine, by day, and when a person triggers it, a run starts at once. Defaults: the settings"
            " `HEADRACE_REFINE_EVERY_S` and `HEADRACE_BUILD_EVERY_S`.",
            None,
            _every_problem,
        ),
        Property(
            "tokenised",
            "a list of fields, each with a classification",
            "Fields that leave the raw zone only as a keyed hash, as text. Equal values have equal tokens everywhere.",
            [],
            _names_problem,
        ),
        Property(
            "maintenance",
            "{targetFileMb: 128, keepDays: 7, keepSnapshots: 20, monthlyTags: 0, smallFiles: 200}, any of these",
            "Maintenance of its lake tables: the size of files, how long and how many snapshots are kept, for how many"
            " months the table can be read as of the start of each month, and how many small files are compacted"
            " without waiting for the daily maintenance (0: never).",
            {},
            _maintenance_problem,
        ),
        Property(
            "needs",
            "a list of {dataset: domain.dataset, zone: zone, days: number}",
            "Lake tables whose snapshots it must be able to read, for any moment of the last `days` days. Maintenance that"
            " would drop snapshots which another contract needs is refused.",
            [],
            _needs_problem,
        ),
    )
}
"""Custom property name → declaration."""


def refine_every_s(value: str | None) -> float | None:
    """Return the seconds of a valid value, or None when there is no value."""
    if value is None:
        return None
    number, unit = value.split(" ")
    return int(number) * SECONDS[unit]


def maintenance(value: Mapping[str, int]) -> Maintenance:
    """Return the maintenance settings of a valid value."""
    return Maintenance(**{MAINTENANCE[key][0]: given for key, given in value.items()})
