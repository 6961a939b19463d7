"""Raise an alert for each broken check with its severity; resolve it when the check holds or no longer exists."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection
from typing import Final

from headrace.services.quality.outcomes import Outcome, Zone
from headrace.systems.platform.hook import PlatformHook

PREFIXES: Final[dict[Zone, str]] = {"cleaned": "quality", "served": "served"}
"""Zone → prefix of its alerts' keys, so that a check that holds in one zone resolves no alert of the other."""
_LOG: Final = logging.getLogger(__name__)


def alert_on(platform: PlatformHook, dataset: str, zone: Zone, outcomes: Collection[Outcome]) -> None:
    """Raise and resolve the alerts `<prefix>:<dataset>:<check>` of one zone. No outcomes: change no alert."""
    prefix, broken = f"{PREFIXES[zone]}:{dataset}:", set[str]()
    for outcome in (outcome for outcome in outcomes if not outcome.passed):
        text = f"{dataset}, {zone}: {outcome.check} is broken: {_counted(outcome)}{outcome.observed}"
        _LOG.warning("%s", text)
        rows = [json.loads(row) for row in outcome.examples]
        platform.raise_alert(prefix + outcome.check, outcome.severity, text, dataset, details=rows)
        broken.add(prefix + outcome.check)
    if outcomes:
        platform.resolve_others(prefix, broken)  # also alerts of checks that no longer exist


def _counted(outcome: Outcome) -> str:
    return f"{outcome.unexpected:,} rows, " if outcome.unexpected else ""
