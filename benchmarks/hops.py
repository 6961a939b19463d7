"""How long each change took to each hop, put together from the hops' own records after the measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from benchmarks.topics import records
from benchmarks.watch.watcher import Seen
from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.planning.ddl import qualified
from headrace.systems.bundle import Systems
from headrace.systems.kafka.avro_blocks import HEADER_BYTES, by_schema, decode

Place = tuple[int, int]
"""Partition and offset: the name of a change at every hop."""
BATCH = 50_000


@dataclass(frozen=True, slots=True)
class Hop:
    """Commit → hop by change, in milliseconds; and the commits that it was counted from."""

    delays_ms: Mapping[Place, float] = field(hash=False)
    committed_us: Mapping[Place, int] = field(hash=False)


def delays(
    systems: Systems, contract: Contract, start: Mapping[int, int], window_us: tuple[int, int]
) -> dict[str, Hop]:
    """`produced` and `inserted`, of the changes committed within the window (epoch microseconds)."""
    produced = _produced(systems, names.topic(contract), start)
    chosen = {place: times for place, times in produced.items() if window_us[0] <= times[0] < window_us[1]}
    committed = {place: commit for place, (commit, _) in chosen.items()}
    inserted = {p: ms for p, ms in _inserted(systems, contract, start).items() if p in committed}
    return {
        "produced": Hop({place: (at - commit) / 1000 for place, (commit, at) in chosen.items()}, committed),
        "inserted": Hop(inserted, committed),
    }


def visible_delays(base: Hop, seen: Seen) -> Hop:
    """The same by a watcher's clock; what it did not see is left out. Pure."""
    commits = base.committed_us
    return Hop({p: (seen.at[p] - commit) / 1000 for p, commit in commits.items() if p in seen.at}, commits)


def _produced(systems: Systems, topic: str, start: Mapping[int, int]) -> dict[Place, tuple[int, int]]:
    """Commit time and record time of each change, in epoch microseconds; tombstones left out."""
    found: dict[Place, tuple[int, int]] = {}
    stream = records(systems.kafka, topic, start)
    while messages := list(islice(stream, BATCH)):
        groups, _ = by_schema([m.value() for m in messages])
        for schema, indexes in groups.items():
            bodies = [messages[i].value()[HEADER_BYTES:] for i in indexes]
            source = decode(systems.registry.schema(schema), bodies, ("source",)).frame["source"]
            for index, commit in zip(indexes, source.struct.field("ts_us").to_list(), strict=True):
                message = messages[index]
                found[message.partition(), message.offset()] = commit, message.timestamp()[1] * 1000
    return found


def _inserted(systems: Systems, contract: Contract, start: Mapping[int, int]) -> dict[Place, float]:
    """Milliseconds from commit to insert, as the warehouse itself has them."""
    place = " OR ".join(f"_kafka_partition = {p} AND _offset >= {o}" for p, o in start.items()) or "1"
    query = (
        "SELECT _kafka_partition, _offset, dateDiff('microsecond', _committed_at, min(_inserted_at)) / 1000"
        f" FROM {qualified(names.changes_table(contract))} WHERE {place} GROUP BY _kafka_partition, _offset, _committed_at"
    )
    return {(p, o): ms for p, o, ms in systems.warehouse.rows(query)}
