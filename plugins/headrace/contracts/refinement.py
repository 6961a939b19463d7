"""What a contract asks of the exact lane: its zones, by which time it is cut into intervals, which fields it hides."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from headrace.contracts.odcs_model import suggest
from headrace.contracts.types import SCALARS, Date, Field, Record, Timestamp, type_name

MARTS: Final = "marts"
"""The domain of the marts, and of nothing else."""


def zone_problems(domain: str, declared: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(custom property, message) where the zones, the serving store and the kind of source do not go together."""
    kind, zones, serving = declared["source"]["kind"], declared["zones"], declared["serving"]
    if (kind == "mart") != (domain == MARTS):
        yield (
            "source",
            f"source kind is {kind!r} in the domain {domain}; marts, and they alone, are in the domain {MARTS}",
        )
    if (kind == "platform") != (serving == "none"):
        yield (
            "source",
            f"source kind is {kind!r} and serving {serving!r}; what the platform writes itself is served by none, and it alone",
        )
    if kind == "platform":
        if zones != ["quarantine"]:
            yield (
                "zones",
                "zones has more than quarantine, and what the platform writes itself has no other; write [quarantine]",
            )
    elif kind == "mart":
        if zones != ["cleaned"]:
            yield "zones", "zones has more than cleaned, and a mart has no other; write [cleaned]"
        if declared["tokenised"]:
            yield "tokenised", "tokenised hides fields, and a mart is made out of tokens already; leave it out"
    elif "cleaned" in zones and "raw" not in zones:
        yield "zones", "zones has cleaned without raw, from which it is built; add raw"
    elif "cleaned" not in zones and (kind == "file" or serving == "postgres"):
        yield "zones", f"zones has no cleaned, from which {serving} is loaded; add cleaned"


def refinement_problems(
    declared: Mapping[str, Any], record: Record, names: Collection[str], classifications: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """(custom property, message) for `eventTime` and `tokenised`.

    `names` are the fields as written, also those of which the type could not be read; these are not judged.
    """
    event_time = declared["eventTime"]
    for name in (event_time,) if event_time else ():
        if problem := _known(name, names) or _event_time_problem(record.get(name)):
            yield "eventTime", f"eventTime: {name} {problem}"
    for name in declared["tokenised"]:
        if problem := _known(name, names) or _token_problem(record.get(name), classifications):
            yield "tokenised", f"tokenised: {name} {problem}"


def _known(name: str, names: Collection[str]) -> str | None:
    return None if name in names else f"is no field of the .avsc; {suggest(name, names)}"


def _event_time_problem(field: Field | None) -> str | None:
    if field is None:
        return None
    if field.nullable:
        return "may be null, so some rows would belong to no interval; choose another field"
    if not isinstance(field.type, Timestamp | Date):
        return f"is of type {type_name(field.type)}, which is no time; choose a timestamp or a date"
    return None


def _token_problem(field: Field | None, classifications: Mapping[str, str]) -> str | None:
    if field is None:
        return None
    if field.name not in classifications:
        return "has no classification, which says why it is hidden; give its property one"
    if not isinstance(field.type, SCALARS):
        return f"is of type {type_name(field.type)}, which is no single value; leave it out"
    return None
