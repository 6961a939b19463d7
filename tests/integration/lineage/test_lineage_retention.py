"""How long events are kept, in which order they go on, and how they reach a Marquez that is new."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from psycopg_pool import AsyncConnectionPool

from include.apps.lineage.prune import prune
from include.stack.commands.replay_lineage import NoMarquez, replay
from tests.conftest import Stack
from tests.integration.lineage.conftest import RunningEndpoint, free_port, running
from tests.integration.lineage.test_lineage_forwarding import marquez
from tests.support.lineage_cases import dataset, run_event
from tests.support.waiting import wait_until

Rows = Callable[..., list[tuple[Any, ...]]]
RUNS = """
    SELECT j.name, count(*), count(DISTINCT e.run_id) FROM lineage.events e JOIN lineage.jobs j ON j.id = e.job_id
     WHERE j.namespace = %s GROUP BY 1 ORDER BY 1"""

AT_ONCE = """
    WITH again AS (UPDATE lineage.events e SET to_forward = true FROM lineage.jobs j
                    WHERE j.id = e.job_id AND j.namespace = %s RETURNING e.id, e.sequence)
    INSERT INTO lineage.outbox (event_id, sequence) SELECT id, sequence FROM again RETURNING 1"""
"""Marked to be sent while they are on their way."""
LEFT = """
    SELECT count(*) FILTER (WHERE e.to_forward), count(o.event_id) FROM lineage.events e
      JOIN lineage.jobs j ON j.id = e.job_id LEFT JOIN lineage.outbox o ON o.event_id = e.id WHERE j.namespace = %s"""


def pruned(dsn: str, days: int) -> None:
    async def run() -> None:
        async with AsyncConnectionPool(dsn, min_size=1, max_size=1, kwargs={"autocommit": True}) as pool:
            await prune(pool, days)

    asyncio.run(run())


def test_old_events_go_and_those_of_the_newest_run_of_each_job_stay(
    endpoint: RunningEndpoint, dsn: str, space: str, rows: Rows
) -> None:
    for job, runs in (("a", 3), ("b", 1)):
        for number in range(runs):
            for state in ("START", "COMPLETE"):
                flow = {"inputs": [dataset(space, "in")], "outputs": [dataset(space, job)]}
                event = run_event(job, namespace=space, state=state, seconds=number, run=str(number), **flow)  # type: ignore[arg-type]
                assert endpoint.post(event).status_code == 201
    pruned(dsn, 90)
    assert rows(RUNS, space) == [("a", 6, 3), ("b", 2, 1)]
    old = "UPDATE lineage.events SET received_at = now() - interval '91 days' WHERE job_id IN (SELECT id FROM lineage.jobs WHERE namespace = %s) RETURNING 1"
    rows(old, space)
    pruned(dsn, 90)
    assert rows(RUNS, space) == [("a", 2, 1), ("b", 2, 1)]
    graph = endpoint.hook.graph(f"{space}:in")
    assert graph is not None
    assert {node["name"] for node in graph["nodes"]} == {"in", "a", "b"}


def test_a_batch_goes_on_in_the_order_in_which_it_came(dsn: str, tmp_path: Path, space: str) -> None:
    with marquez(free_port()) as target, running(tmp_path, dsn, HEADRACE_MARQUEZ_URL=target.url) as endpoint:
        batch = [run_event(f"job-{number:03}", namespace=space, inputs=[dataset(space, "a")]) for number in range(40)]
        assert endpoint.post(*batch).status_code == 200
        wait_until(lambda: len(target.jobs(space)) == 40)
        assert target.jobs(space) == [event["job"]["name"] for event in batch]


def test_what_is_stored_is_sent_to_a_new_marquez(
    stack: Stack, endpoint: RunningEndpoint, dsn: str, tmp_path: Path, space: str, rows: Rows
) -> None:
    began = datetime.now(UTC)
    for number in range(3):
        endpoint.post(run_event(f"job-{number}", namespace=space, inputs=[dataset(space, "a")]))
    with pytest.raises(NoMarquez, match="HEADRACE_MARQUEZ_URL is empty"):
        replay(stack.settings, print, began)
    lines = list[str]()
    with marquez(free_port()) as target, running(tmp_path, dsn, HEADRACE_MARQUEZ_URL=target.url):
        there = replace(stack.settings, values={**stack.settings.values, "HEADRACE_MARQUEZ_URL": target.url})
        replay(there, lines.append, began)
        assert target.jobs(space) == ["job-0", "job-1", "job-2"]
        rows(AT_ONCE, space)
        wait_until(lambda: len(target.jobs(space)) == 6)
        assert rows(LEFT, space) == [(0, 0)]
    assert lines[0].startswith("sending ")
    assert lines[-1].startswith("Marquez accepted ")
