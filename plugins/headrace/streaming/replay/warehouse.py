"""Replay of a stream query's dead letters into ClickHouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headrace.errors import SystemRefused
from headrace.services.dead_letters.record import Position
from headrace.services.dead_letters.replay import Destination, Record
from headrace.streaming.datasets import Served
from headrace.streaming.decode import DeadLetter
from headrace.streaming.metrics.counting import MetricCounting, queries
from headrace.streaming.metrics.spec import Metrics
from headrace.streaming.patience import Patience
from headrace.streaming.registry import Writers
from headrace.streaming.replay.records import as_batch, reasons
from headrace.streaming.serving import QUERY, ChangeServing
from headrace.streaming.sink import Sink


class Refusing:
    """Dead-letter receiver that refuses: the records were checked as readable before."""

    def write(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Raise SystemRefused."""
        first = dead_letters[0]
        raise SystemRefused("letters", f"{first.topic} {first.partition}/{first.offset}", first.reason)


class Counted:
    """Destination of dead letters of a metrics query."""

    def __init__(self, counting: MetricCounting) -> None:
        self._counting = counting

    def unreadable(self, records: Sequence[Record]) -> Mapping[Position, str]:
        """Return the records that still cannot be read, with reasons."""
        return reasons(records, self._counting.unreadable(as_batch(records)))

    def put(self, records: Sequence[Record], _: str) -> None:
        """Count the records. It needs no token, because replayed counts are stored by position."""
        self._counting.replay(as_batch(records))


class Query:
    """Destination of dead letters of the query `cdc`."""

    def __init__(self, handler: ChangeServing) -> None:
        self._handler = handler

    def unreadable(self, records: Sequence[Record]) -> Mapping[Position, str]:
        """Return the records that still cannot be read, with reasons."""
        return reasons(records, self._handler.unreadable(as_batch(records)))

    def put(self, records: Sequence[Record], _: str) -> None:
        """Serve the records. It needs no token, because state and history keep one row per position."""
        done = self._handler.serve(as_batch(records))
        for topic, why in done.held.items():
            raise SystemRefused("warehouse", topic, why)


def of_query(
    query: str,
    datasets: Sequence[Served],
    metrics: Sequence[Metrics],
    writers: Writers,
    sink: Sink,
    patience: Patience,
) -> Destination | None:
    """Return the destination of a query's dead letters; None if the group has no such query.

    `metrics` has all metrics.
    """
    if query == QUERY:
        return Query(ChangeServing(datasets, writers, sink, Refusing(), patience))
    by_id = {dataset.id: dataset for dataset in datasets}
    counted = queries([each for each in metrics if each.fact in by_id]).get(query)
    if counted is None:
        return None
    # The lookup's dataset counts as served: a replay is triggered by a person, long after the dead letter.
    counting = MetricCounting(counted, by_id[counted.fact], writers, sink, Refusing(), patience, lambda: True)
    return Counted(counting)
