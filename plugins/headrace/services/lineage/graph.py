"""Query the stored lineage graph: upstream or downstream of a dataset or column, and the path between two.

The walk is one recursive query over `lineage.links`; all names of a dataset (symlinks) are one node.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import dict_row

Direction: TypeAlias = Literal["down", "up"]
Place: TypeAlias = tuple[UUID, str]
"""Dataset id and column; the column is "" for the dataset itself."""

MAX_DEPTH: Final = 50
MAX_NODES: Final = 5000

FIND: Final = """
SELECT canonical FROM lineage.datasets WHERE key = %(key)s LIMIT 1
"""

# OFFSET 0 keeps the planner from joining the whole view: each step is a few index look-ups.
_WALK: Final = """
WITH RECURSIVE walk (id, field, depth) AS (
    SELECT %(id)s::uuid, %(field)s::text, 0
    UNION
    SELECT l.{to}_id, l.{to}_field, w.depth + 1
    FROM walk w CROSS JOIN LATERAL (
        SELECT {to}_id, {to}_field FROM lineage.links
        WHERE {of}_id = w.id AND {of}_field = w.field AND {to}_id IS NOT NULL
        OFFSET 0) l
    WHERE w.depth < %(depth)s
)
SELECT id, field, min(depth) AS depth FROM walk GROUP BY id, field ORDER BY 3, 1, 2 LIMIT %(most)s
"""
WALK: Final = {
    "down": _WALK.format(of="input", to="output"),
    "up": _WALK.format(of="output", to="input"),
}

DESCRIBE: Final = """
SELECT d.canonical AS id, d.namespace, d.name,
       coalesce(d.facets #>> '{datasetType,datasetType}', '') AS type, d.id = d.canonical AS own
FROM lineage.datasets d WHERE d.canonical = ANY(%(ids)s) ORDER BY d.canonical, own DESC, d.key
"""

LINKS: Final = """
SELECT l.input_id, l.input_field, l.output_id, l.output_field, l.transformation,
       j.namespace, j.name, max(l.last_seen) AS last_seen
FROM unnest(%(ids)s::uuid[]) AS n (id) CROSS JOIN LATERAL (
    SELECT * FROM lineage.links WHERE input_id = n.id
    UNION ALL
    SELECT * FROM lineage.links WHERE output_id = n.id AND input_id IS NULL
    OFFSET 0) l
JOIN lineage.jobs j ON j.id = l.job_id
WHERE (l.input_field <> '' OR l.output_field <> '') = %(columns)s
GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 6, 7, 1, 2, 3, 4
"""

JOBS: Final = """
SELECT namespace, name, declared_run IS NOT NULL AS declared, last_seen FROM lineage.jobs j
WHERE (%(namespace)s::text IS NULL OR namespace = %(namespace)s)
  AND (NOT %(declared)s OR EXISTS (
       SELECT FROM lineage.edges e WHERE e.job_id = j.id AND e.run_id = j.declared_run))
ORDER BY namespace, name
"""


@dataclass(frozen=True, slots=True)
class Node:
    """Dataset, or one column of it."""

    namespace: str
    name: str
    field: str
    """Column name; "" for the dataset."""
    type: str
    """TABLE, VIEW, TOPIC, FILE …; "" when no event has it."""
    depth: int
    """Steps from the start of the walk."""
    aliases: tuple[str, ...] = ()
    """Other names of the dataset, `namespace:name`."""

    @property
    def key(self) -> str:
        """Return `namespace:name`, for a column `namespace:name#column`."""
        return f"{self.namespace}:{self.name}" + (f"#{self.field}" if self.field else "")


@dataclass(frozen=True, slots=True)
class Edge:
    """Edge of a job from `source` to `target` (keys of nodes); a missing side is None."""

    source: str | None
    target: str | None
    job_namespace: str
    job_name: str
    transformation: str
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class Graph:
    """Result of a walk. `truncated`: there are more than `MAX_NODES` nodes."""

    root: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    truncated: bool = False


async def graph(
    connection: AsyncConnection[Any],
    dataset: str,
    direction: Direction = "down",
    *,
    depth: int = 10,
    column: str = "",
) -> Graph | None:
    """Return the graph upstream or downstream of `dataset` (`namespace:name`), or None for an unknown dataset."""
    root = await _find(connection, dataset)
    if root is None:
        return None
    arguments = {"id": root, "field": column, "depth": min(depth, MAX_DEPTH), "most": MAX_NODES + 1}
    reached = await _rows(connection, WALK[direction], arguments)
    depths = {(row["id"], row["field"]): row["depth"] for row in reached[:MAX_NODES]}
    nodes = await _nodes(connection, depths)
    edges = await _edges(connection, nodes, direction, bool(column))
    return Graph(nodes[root, column].key, tuple(nodes.values()), edges, len(reached) > MAX_NODES)


async def path(
    connection: AsyncConnection[Any],
    start: str,
    end: str,
    *,
    columns: tuple[str, str] = ("", ""),
    depth: int = MAX_DEPTH,
) -> tuple[Edge, ...] | None:
    """Return the shortest path of data from one dataset (or column) to another.

    Return None when there is no path, or when one of the two is unknown.
    """
    goal = await _find(connection, end)
    found = await graph(connection, start, "down", depth=depth, column=columns[0])
    if goal is None or found is None:
        return None
    target = next(iter((await _nodes(connection, {(goal, columns[1]): 0})).values())).key
    return shortest(found.edges, found.root, target)


def shortest(edges: Iterable[Edge], start: str, end: str) -> tuple[Edge, ...] | None:
    """Return the shortest chain of edges from one key to another; () for the same key, None without a chain."""
    outgoing: dict[str, list[Edge]] = {}
    for edge in edges:
        if edge.source and edge.target:
            outgoing.setdefault(edge.source, []).append(edge)
    came_by: dict[str, Edge | None] = {start: None}
    queue = deque([start])
    while queue and end not in came_by:
        for edge in outgoing.get(queue.popleft(), ()):
            if edge.target and edge.target not in came_by:
                came_by[edge.target] = edge
                queue.append(edge.target)
    if end not in came_by:
        return None
    chain: list[Edge] = []
    step = came_by[end]
    while step:
        chain.append(step)
        step = came_by[step.source or start]
    return tuple(reversed(chain))


async def jobs(
    connection: AsyncConnection[Any], *, namespace: str | None = None, declared: bool = False
) -> list[dict[str, Any]]:
    """Return the known jobs; `declared`: only those that a plan declares and has not withdrawn."""
    cursor = await connection.execute(JOBS, {"namespace": namespace, "declared": declared})
    return [
        {"namespace": space, "name": name, "declared": by_plan, "last_seen": seen}
        for space, name, by_plan, seen in await cursor.fetchall()
    ]


async def _find(connection: AsyncConnection[Any], key: str) -> UUID | None:
    row = await (await connection.execute(FIND, {"key": key})).fetchone()
    return row[0] if row else None


async def _rows(connection: AsyncConnection[Any], query: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, arguments)
        return await cursor.fetchall()


async def _nodes(connection: AsyncConnection[Any], depths: dict[Place, int]) -> dict[Place, Node]:
    ids = list({identifier for identifier, _ in depths})
    named: dict[UUID, list[dict[str, Any]]] = {}
    for row in await _rows(connection, DESCRIBE, {"ids": ids}):
        named.setdefault(row["id"], []).append(row)
    return {
        (identifier, column): _node(named[identifier], column, depth) for (identifier, column), depth in depths.items()
    }


def _node(names: list[dict[str, Any]], column: str, depth: int) -> Node:
    own, *others = names
    kind = next((row["type"] for row in names if row["type"]), "")
    aliases = tuple(f"{row['namespace']}:{row['name']}" for row in others)
    return Node(own["namespace"], own["name"], column, kind, depth, aliases)


async def _edges(
    connection: AsyncConnection[Any],
    nodes: dict[Place, Node],
    direction: Direction,
    columns: bool,
) -> tuple[Edge, ...]:
    """Return the edges among the nodes, and those of jobs that only read (down) or only write (up)."""
    ids = list({identifier for identifier, _ in nodes})
    whole, half = [], []
    for row in await _rows(connection, LINKS, {"ids": ids, "columns": columns}):
        source = nodes.get((row["input_id"], row["input_field"]))
        target = nodes.get((row["output_id"], row["output_field"]))
        edge = Edge(
            source.key if source else None,
            target.key if target else None,
            row["namespace"],
            row["name"],
            row["transformation"],
            row["last_seen"],
        )
        if source and target and source is not target:
            whole.append(edge)
        elif row["output_id" if direction == "down" else "input_id"] is None:
            half.append(edge)
    ends = {(end, e.job_namespace, e.job_name) for e in whole for end in (e.source, e.target)}
    alone = [e for e in half if (e.source or e.target, e.job_namespace, e.job_name) not in ends]
    return (*whole, *alone)
