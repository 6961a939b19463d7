"""Letters of a stream's query: served as the query serves."""

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
    """A letterbox for records that were found readable: none may come."""

    def write(self, letters: Sequence[DeadLetter]) -> None:
        """Raises SystemRefused."""
        letter = letters[0]
        raise SystemRefused("letters", f"{letter.topic} {letter.partition}/{letter.offset}", letter.reason)


class Counted:
    """Where the letters of a query that adds up belong: a `Destination`."""

    def __init__(self, counting: MetricCounting) -> None:
        self._counting = counting

    def unreadable(self, records: Sequence[Record]) -> Mapping[Position, str]:
        """Those that still cannot be read, and why."""
        return reasons(records, self._counting.unreadable(as_batch(records)))

    def put(self, records: Sequence[Record], _: str) -> None:
        """Count them. What is counted is kept by position, so no token is needed."""
        self._counting.replay(as_batch(records))


class Query:
    """Where the letters of the query that serves changes belong: a `Destination`."""

    def __init__(self, handler: ChangeServing) -> None:
        self._handler = handler

    def unreadable(self, records: Sequence[Record]) -> Mapping[Position, str]:
        """Those that still cannot be read, and why."""
        return reasons(records, self._handler.unreadable(as_batch(records)))

    def put(self, records: Sequence[Record], _: str) -> None:
        """Serve them. State and history keep one row a position, so no token is needed."""
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
    """The place of a query's letters; None when the group has no such query any more. `metrics` are all there are."""
    if query == QUERY:
        return Query(ChangeServing(datasets, writers, sink, Refusing(), patience))
    by_id = {dataset.id: dataset for dataset in datasets}
    counted = queries([each for each in metrics if each.fact in by_id]).get(query)
    if counted is None:
        return None
    # What is looked up is served long since: the letter waited for a person.
    counting = MetricCounting(counted, by_id[counted.fact], writers, sink, Refusing(), patience, lambda: True)
    return Counted(counting)
