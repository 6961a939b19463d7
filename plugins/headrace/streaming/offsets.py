"""Offset ranges that Spark planned for a batch, from the query's offset log."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from headrace.streaming.reading import Place, Range

if TYPE_CHECKING:
    from pyspark.sql.streaming.query import StreamingQuery

Offsets: TypeAlias = Mapping[str, Mapping[str, int]]
"""Topic → partition → offset after the last one, as Spark logs it."""


def planned(before: Offsets, after: Offsets, first: Callable[[Place], int]) -> dict[Place, Range]:
    """Return the ranges between the ends of two batches. A new partition begins at its `first` offset.

    A range with its start after its end belongs to a re-created topic.
    """
    ranges: dict[Place, Range] = {}
    for topic, ends in after.items():
        for partition, end in ends.items():
            place = (topic, int(partition))
            start = before.get(topic, {}).get(partition)
            found = Range(first(place) if start is None else int(start), int(end))
            if found.start != found.end:
                ranges[place] = found
    return ranges


def logged(query: StreamingQuery, batch_id: int) -> Offsets:
    """Return the end offsets of a batch, logged before the batch began; empty for a batch that does not exist."""
    jquery: Any = query._jsq
    found = jquery.streamingQuery().offsetLog().get(batch_id)
    if found.isEmpty():
        return {}
    offset = found.get().offsets().head()
    ends: Offsets = json.loads(offset.get().json()) if offset.isDefined() else {}
    return ends
