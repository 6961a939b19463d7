"""Store OpenLineage events in PostgreSQL, each once, together with the graph that they form.

A batch is one transaction. An event that is stored already (same run, type, time and job)
changes nothing. Needs the tables of `platform/migrations/020_lineage.sql`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from headrace.services.lineage.received import Received
from headrace.services.lineage.rows import ColumnEdgeRow, EdgeRow, NodeRow, Rows, columns_of, rows_of

INSERT_EVENTS: Final = """
INSERT INTO lineage.events (id, kind, event_type, event_time, run_id, job_id, payload, to_forward)
SELECT *, %(forward)s FROM unnest(
    %(id)s::uuid[], %(kind)s::text[], %(type)s::text[], %(time)s::timestamptz[],
    %(run)s::uuid[], %(job)s::uuid[], %(payload)s::jsonb[])
ON CONFLICT (id) DO NOTHING
RETURNING id
"""

UPSERT_JOBS: Final = """
INSERT INTO lineage.jobs AS j
    (id, namespace, name, facets, first_seen, last_seen, declared_run, declared_at)
SELECT id, namespace, name, facets, seen, seen, run, CASE WHEN run IS NOT NULL THEN seen END
FROM unnest(%(id)s::uuid[], %(namespace)s::text[], %(name)s::text[], %(facets)s::jsonb[],
            %(seen)s::timestamptz[], %(declared_run)s::uuid[])
     AS n (id, namespace, name, facets, seen, run)
ON CONFLICT (id) DO UPDATE SET
    facets = CASE WHEN excluded.last_seen >= j.last_seen
                  THEN j.facets || excluded.facets ELSE excluded.facets || j.facets END,
    first_seen = least(j.first_seen, excluded.first_seen),
    last_seen = greatest(j.last_seen, excluded.last_seen),
    declared_run = CASE WHEN excluded.declared_at >= coalesce(j.declared_at, '-infinity')
                        THEN excluded.declared_run ELSE j.declared_run END,
    declared_at = greatest(j.declared_at, excluded.declared_at)
"""

UPSERT_DATASETS: Final = """
INSERT INTO lineage.datasets AS d
    (id, namespace, name, canonical, facets, first_seen, last_seen)
SELECT id, namespace, name, id, facets, seen, seen
FROM unnest(%(id)s::uuid[], %(namespace)s::text[], %(name)s::text[], %(facets)s::jsonb[],
            %(seen)s::timestamptz[]) AS n (id, namespace, name, facets, seen)
ON CONFLICT (id) DO UPDATE SET
    facets = CASE WHEN excluded.last_seen >= d.last_seen
                  THEN d.facets || excluded.facets ELSE excluded.facets || d.facets END,
    first_seen = least(d.first_seen, excluded.first_seen),
    last_seen = greatest(d.last_seen, excluded.last_seen)
"""

UPSERT_EDGES: Final = """
INSERT INTO lineage.edges AS e (job_id, input_id, output_id, run_id, first_seen, last_seen)
SELECT job, input, output, run, seen, seen
FROM unnest(%(job)s::uuid[], %(input)s::uuid[], %(output)s::uuid[], %(run)s::uuid[],
            %(seen)s::timestamptz[]) AS n (job, input, output, run, seen)
ON CONFLICT (job_id, input_id, output_id) DO UPDATE
SET run_id = excluded.run_id, last_seen = excluded.last_seen
WHERE excluded.last_seen >= e.last_seen
"""

UPSERT_COLUMN_EDGES: Final = """
INSERT INTO lineage.column_edges AS e
    (job_id, input_id, input_field, output_id, output_field, transformation, run_id,
     first_seen, last_seen)
SELECT *, seen FROM unnest(
    %(job)s::uuid[], %(input)s::uuid[], %(input_field)s::text[], %(output)s::uuid[],
    %(output_field)s::text[], %(transformation)s::text[], %(run)s::uuid[],
    %(seen)s::timestamptz[])
    AS n (job, input, input_field, output, output_field, transformation, run, seen)
ON CONFLICT (job_id, input_id, input_field, output_id, output_field) DO UPDATE
SET run_id = excluded.run_id, last_seen = excluded.last_seen,
    transformation = excluded.transformation
WHERE excluded.last_seen >= e.last_seen
"""

# A run's events add up: what one event read belongs to what another wrote. The half edges
# stay; readers of the graph skip a half edge that also has a whole one.
COMPLETE_HALVES: Final = """
WITH seen AS (
    SELECT * FROM lineage.edges WHERE job_id = ANY(%(jobs)s) AND run_id = ANY(%(runs)s)
), pairs AS (
    SELECT r.job_id, r.input_id, w.output_id, r.run_id, greatest(r.last_seen, w.last_seen) AS seen
    FROM seen r JOIN seen w USING (job_id, run_id)
    WHERE r.output_id IS NULL AND w.output_id IS NOT NULL
    UNION
    SELECT r.job_id, r.input_id, w.output_id, r.run_id, greatest(r.last_seen, w.last_seen)
    FROM seen w JOIN seen r USING (job_id, run_id)
    WHERE w.input_id IS NULL AND r.input_id IS NOT NULL
)
INSERT INTO lineage.edges AS e (job_id, input_id, output_id, run_id, first_seen, last_seen)
SELECT job_id, input_id, output_id, run_id, max(seen), max(seen)
FROM pairs GROUP BY job_id, input_id, output_id, run_id
ORDER BY job_id, input_id, output_id
ON CONFLICT (job_id, input_id, output_id) DO UPDATE
SET run_id = excluded.run_id, last_seen = greatest(e.last_seen, excluded.last_seen)
"""

ROOTS: Final = """
SELECT d.canonical, a.canonical
FROM unnest(%(dataset)s::uuid[], %(alias)s::uuid[]) AS n (dataset, alias)
JOIN lineage.datasets d ON d.id = n.dataset JOIN lineage.datasets a ON a.id = n.alias
WHERE d.canonical <> a.canonical
"""

JOIN_ALIASES: Final = """
UPDATE lineage.datasets d SET canonical = n.root
FROM unnest(%(absorbed)s::uuid[], %(root)s::uuid[]) AS n (absorbed, root)
WHERE d.canonical = n.absorbed
"""

ALIAS_LOCK: Final = 0x6C696E65  # serialises the rare transactions that merge two names


async def store(connection: AsyncConnection[Any], events: Sequence[Received], *, forward: bool = False) -> int:
    """Store the events in one transaction; return how many were new.

    `forward` marks the new events for forwarding to Marquez.
    """
    by_id = {event.id: event for event in events}
    async with connection.transaction():
        new = await _insert_events(connection, by_id, forward)
        if new:
            await _store_rows(connection, rows_of(by_id[i] for i in new))
    return len(new)


async def _insert_events(connection: AsyncConnection[Any], events: dict[UUID, Received], forward: bool) -> list[UUID]:
    ordered = list(events.values())  # in arrival order: forwarding uses the sequence assigned here
    cursor = await connection.execute(
        INSERT_EVENTS,
        {
            "forward": forward,
            "id": [e.id for e in ordered],
            "kind": [e.kind for e in ordered],
            "type": [e.type for e in ordered],
            "time": [e.time for e in ordered],
            "run": [e.run_id for e in ordered],
            "job": [e.job.id if e.job else None for e in ordered],
            "payload": [_json(e.payload) for e in ordered],
        },
    )
    return [row[0] for row in await cursor.fetchall()]


async def _store_rows(connection: AsyncConnection[Any], rows: Rows) -> None:
    if rows.jobs:
        await connection.execute(UPSERT_JOBS, _nodes(rows.jobs))
    if rows.datasets:
        await connection.execute(UPSERT_DATASETS, _nodes(rows.datasets))
    if rows.edges:
        await connection.execute(UPSERT_EDGES, columns_of(rows.edges.values(), EdgeRow))
    if rows.column_edges:
        columns = columns_of(rows.column_edges.values(), ColumnEdgeRow)
        await connection.execute(UPSERT_COLUMN_EDGES, columns)
    if rows.half_runs:
        halves = {"jobs": list(rows.jobs), "runs": sorted(rows.half_runs)}
        await connection.execute(COMPLETE_HALVES, halves)
    if rows.aliases:
        await _join_aliases(connection, sorted(rows.aliases))


async def _join_aliases(connection: AsyncConnection[Any], aliases: list[tuple[UUID, UUID]]) -> None:
    pairs = {"dataset": [d for d, _ in aliases], "alias": [a for _, a in aliases]}
    if not await (await connection.execute(ROOTS, pairs)).fetchall():
        return
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (ALIAS_LOCK,))
    apart = await (await connection.execute(ROOTS, pairs)).fetchall()
    joined = absorbed_by(apart)
    rows = {"absorbed": list(joined), "root": list(joined.values())}
    await connection.execute(JOIN_ALIASES, rows)


def absorbed_by(pairs: Iterable[tuple[UUID, UUID]]) -> dict[UUID, UUID]:
    """Return, for each absorbed root, the root that absorbs it, so that both of a pair get the first one's root."""
    parent: dict[UUID, UUID] = {}

    def root(node: UUID) -> UUID:
        while node in parent:
            node = parent[node]
        return node

    for kept, absorbed in pairs:
        if root(kept) != root(absorbed):
            parent[root(absorbed)] = root(kept)
    return {node: root(node) for node in parent}


def _nodes(nodes: dict[UUID, NodeRow]) -> dict[str, list[Any]]:
    columns = columns_of(nodes.values(), NodeRow)
    columns["facets"] = [_json(facets) for facets in columns["facets"]]
    return columns


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
