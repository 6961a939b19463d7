from __future__ import annotations

from headrace.services.lineage.graph import Edge, shortest
from tests.support.lineage_cases import AT


def edges(*ends: str) -> list[Edge]:
    return [Edge(e[0], e[1] if e[1] != "-" else None, "ns", f"{e}", "", AT) for e in ends]


def names(*ends: str, start: str = "a", end: str = "d") -> list[str] | None:
    found = shortest(edges(*ends), start, end)
    return None if found is None else [edge.job_name for edge in found]


def test_the_shortest_way_is_found_in_order() -> None:
    assert names("ab", "bc", "cd", "ae", "ed") == ["ae", "ed"]


def test_cycles_end() -> None:
    assert names("ab", "ba", "bc", "ca", "cd") == ["ab", "bc", "cd"]


def test_no_way_and_no_step() -> None:
    assert names("ab", "cd", "a-") is None
    assert names("ab", end="a") == []


def test_edges_are_not_walked_backwards() -> None:
    assert names("ba", "db") is None
