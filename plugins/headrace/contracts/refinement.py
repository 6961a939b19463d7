"""Check the exact-lane properties of a contract: zones, `eventTime` and `tokenised`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from headrace.contracts.odcs_model import suggest
from headrace.contracts.types import SCALARS, Date, Field, Record, Timestamp, type_name

MARTS: Final = "marts"
"""Domain of all marts. No other dataset may use it."""


def zone_problems(domain: str, declared: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (custom property, message) when zones, serving store and source kind do not fit together."""
    kind, zones, serving = declared["source"]["kind"], declared["zones"], declared["serving"]
    if (kind == "mart") != (domain == MARTS):
        yield (
            "source",
            f"source kind is {kind!r} in the domain {domain}; all marts, and only marts, are in the domain {MARTS}",
        )
    if (kind == "platform") != (serving == "none"):
        yield (
            "source",
            f"source kind is {kind!r} and serving {serving!r}; kind platform, and only this kind, needs serving none",
        )
    if kind == "platform":
        if zones != ["quarantine"]:
            yield (
                "zones",
                "zones has more than quarantine, but kind platform has only quarantine; write [quarantine]",
            )
    elif kind == "mart":
        if zones != ["cleaned"]:
            yield "zones", "zones has more than cleaned, but a mart has only cleaned; write [cleaned]"
        if declared["tokenised"]:
            yield "tokenised", "tokenised is given, but a mart is built from tokens already; remove it"
    elif "cleaned" in zones and "raw" not in zones:
        yield "zones", "zones has cleaned without raw, from which it is built; add raw"
    elif "cleaned" not in zones and (kind == "file" or serving == "postgres"):
        yield "zones", f"zones has no cleaned, from which {serving} is loaded; add cleaned"


def refinement_problems(
    declared: Mapping[str, Any], record: Record, names: Collection[str], classifications: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield (custom property, message) for `eventTime` and `tokenised`.

    `names` are the fields as written, including fields whose type could not be read; the types of those are not
    checked.
    """
    event_time = declared["eventTime"]
    for name in (event_time,) if event_time else ():
        if problem := _known(name, names) or _event_time_problem(record.get(name)):
            yield "eventTime", f"eventTime: {name} {problem}"
    for name in declared["tokenised"]:
        if problem := _known(name, names) or _token_problem(record.get(name), classifications):
            yield "tokenised", f"tokenised: {name} {problem}"


def _known(name: str, names: Collection[str]) -> str | None:
    return None if name in names else f"is not a field of the .avsc; {suggest(name, names)}"


def _event_time_problem(field: Field | None) -> str | None:
    if field is None:
        return None
    if field.nullable:
        return "may be null, so some rows would belong to no interval; choose another field"
    if not isinstance(field.type, Timestamp | Date):
        return f"is of type {type_name(field.type)}, which is not a time; choose a timestamp or a date"
    return None


def _token_problem(field: Field | None, classifications: Mapping[str, str]) -> str | None:
    if field is None:
        return None
    if field.name not in classifications:
        return "has no classification, which is the reason to hide it; add one to its property"
    if not isinstance(field.type, SCALARS):
        return f"is of type {type_name(field.type)}, which is not a scalar; remove it"
    return None
