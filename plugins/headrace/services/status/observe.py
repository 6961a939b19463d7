"""Observe what the status screen shows: all systems at once; a failure affects only its own part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.errors import SystemFailure
from headrace.planning.topics import captured
from headrace.services.quality.results import Results
from headrace.services.refinement.ledger import Ledger
from headrace.services.status.calls import begin
from headrace.services.status.checks import summary
from headrace.services.status.jobs import Dags
from headrace.services.status.lake_rows import lake_rows
from headrace.services.status.measure import column, count_hops, dead_letters, freshness, in_warehouse, known_states
from headrace.services.status.overview import Observed
from headrace.services.status.stages import AFTER_RAW
from headrace.services.status.table import Hop, absent
from headrace.systems.bundle import Systems
from headrace.systems.kafka import counter
from headrace.systems.kafka.counting import TopicCount

T = TypeVar("T")


def observe(systems: Systems, contracts: Sequence[Contract], read_dags: Callable[[], Dags]) -> Observed:
    """Call all systems at once. `read_dags` raises SystemFailure if Airflow does not answer."""
    others = [contract for contract in contracts if not contract.captured]
    events = [contract for contract in others if contract.streamed]
    known = begin(lambda: known_states(systems, [c for c in contracts if c.streamed]))
    hops = begin(lambda: count_hops(systems, captured(contracts)))
    topics = begin(lambda: column(_topic, systems, events))
    in_clickhouse = begin(lambda: column(_in_clickhouse, systems, _served_by("clickhouse", others)))
    in_postgres = begin(lambda: column(_in_postgres, systems, _served_by("postgres", others)))
    fresh = begin(lambda: freshness(systems, _served_by("clickhouse", events)))
    refused = begin(lambda: dead_letters(systems))
    lake = begin(lambda: lake_rows(systems.lake, lake_tables(contracts)))
    ids = [contract.id for contract in contracts]
    last = begin(lambda: Ledger(systems.platform).last(ids))
    checks = begin(lambda: summary(Results(systems.warehouse).last_runs(ids)))
    dags = begin(read_dags)
    failures: dict[str, str] = {}
    return Observed(
        known=known.result(),
        hops=hops.result(),
        topics=topics.result(),
        served={**in_clickhouse.result(), **in_postgres.result()},
        fresh=fresh.result(),
        dead_letters=refused.result(),
        lake=lake.result(),
        last=_answer("last refinements and builds", last, failures),
        checks=_answer("checks", checks, failures),
        dags=_answer("running jobs", dags, failures),
        failures=failures,
    )


def lake_tables(contracts: Sequence[Contract]) -> list[str]:
    """Return the lake tables whose rows the screen shows. The raw tables of captured datasets are counted with the hops."""
    raw = [names.raw_table(c) for c in contracts if not c.captured and "raw" in c.zones]
    return [*raw, *(names.lake_table(c, zone) for c in contracts for zone in AFTER_RAW if zone in c.zones)]


def _answer(part: str, future: Future[T], failures: dict[str, str]) -> T | None:
    try:
        return future.result()
    except SystemFailure as failure:
        failures[part] = str(failure)
        return None


def _served_by(store: str, contracts: Sequence[Contract]) -> list[Contract]:
    return [contract for contract in contracts if contract.serving == store]


def _topic(systems: Systems, contract: Contract) -> Hop:
    topic = names.topic(contract)
    kept = systems.platform.count("kafka", topic)
    counted = counter.count_events(systems.kafka, TopicCount.from_json(kept) if kept else TopicCount(topic))
    systems.platform.keep_count("kafka", topic, counted.to_json())
    return Hop(rows=counted.rows, changes=counted.changes)


def _in_clickhouse(systems: Systems, contract: Contract) -> Hop:
    if contract.streamed:
        return in_warehouse(systems, contract)
    view = names.view(contract)
    if not systems.warehouse.existing([view]):
        return absent(view, "warehouse")
    return Hop(rows=systems.warehouse.count(view))


def _in_postgres(systems: Systems, contract: Contract) -> Hop:
    if systems.serving is None:
        return Hop(
            error="there is no connection serving_default", remedy="add it in Airflow, under Admin → Connections"
        )
    return Hop(rows=systems.serving.count(names.view(contract)))
