"""Small pure parts: the timeline of `up`, delays by hop, what the watchers say, cores kept busy by others."""

from __future__ import annotations

import pytest

from benchmarks import results
from benchmarks.context import NotMeasured
from benchmarks.hops import Hop, visible_delays
from benchmarks.up_time import timeline
from benchmarks.watch.warehouse import ROW, query
from benchmarks.watch.watcher import Seen


def test_timeline_of_up() -> None:
    lines = [
        (2.0, "   1.0 s  postgres up after 0.6 s"),
        (9.5, "   8.5 s  airflow-api up after 7.0 s"),
        (7.0, "   6.0 s  kafka up after 5.1 s"),
        (11.0, "  10.0 s  stream and watch DAGs are unpaused"),
        (30.25, ""),
    ]
    assert timeline(lines) == {
        "steps_s": {"postgres": 2.0, "airflow-api": 9.5, "kafka": 7.0},
        "healthy_s": 9.5,
        "served_s": 30.25,
    }


def test_a_timeline_without_a_process_is_none() -> None:
    with pytest.raises(NotMeasured):
        timeline([(1.0, "nothing to do")])


def test_delays_by_a_watchers_clock() -> None:
    base = Hop({(0, 5): 3.0, (0, 6): 4.0}, {(0, 5): 1_000_000, (0, 6): 1_001_000})
    seen = Seen({(0, 5): 1_050_500, (0, 9): 1}, (25.0,))
    assert visible_delays(base, seen).delays_ms == {(0, 5): 50.5}


def test_what_a_watcher_saw_survives_json() -> None:
    seen = Seen({(0, 5): 1_050_500}, (25.0, 26.5))
    assert Seen.from_json(seen.to_json()) == seen


def test_the_watcher_queries_new_changes_only() -> None:
    assert query("t", "k >= 1", {}).endswith("WHERE k >= 1 AND (1) FORMAT RowBinary")
    sql = query("t", "k >= 1", {0: 41, 1: 7})
    assert (
        "(_kafka_partition = 0 AND _offset > 41) OR (_kafka_partition = 1 AND _offset > 7) OR _kafka_partition NOT IN (0, 1)"
        in sql
    )
    assert ROW.size == 12  # Int32 and UInt64 of RowBinary, unpadded


def test_cores_of_others_are_found_wherever_they_are() -> None:
    nested = [{"a": {"cores_of_others": 0.1}, "b": 3}, {"a": {"c": {"cores_of_others": 0.4}}}]
    assert sorted(results.others(nested)) == [0.1, 0.4]
