"""What is done with which lake table."""

from __future__ import annotations

from dataclasses import replace

from headrace.contracts.contract import Maintenance
from headrace.planning.maintenance import LakeFile, compactable, policies
from headrace.services.maintenance.operators import summary
from tests.unit.planning.cases import LINES, VIEWS


def test_every_zone_of_every_dataset_has_its_policy() -> None:
    kept = replace(LINES, maintenance=Maintenance(keep_days=30, monthly_tags=12))
    default = {"target_file_mb": 128, "keep_days": 7, "keep_snapshots": 20, "monthly_tags": 0, "small_files": 200}
    assert policies([kept, VIEWS]) == [
        {"table": "raw.retail_basket_lines", **default, "keep_days": 30, "monthly_tags": 12},
        {"table": "cleaned.retail_basket_lines", **default, "keep_days": 30, "monthly_tags": 12},
        {"table": "raw.web_page_views", **default},
    ]


def test_compaction_takes_up_small_files_of_crowded_partitions_and_all_deletes() -> None:
    full, small = LakeFile("may", 90, False), LakeFile("may", 10, False)
    alone = [LakeFile(day, 10, False) for day in range(100)]
    assert compactable([full] * 9 + [small] * 4 + alone, 100) == 0
    assert compactable([full] * 9 + [small] * 5 + alone, 100) == 5
    assert compactable([LakeFile("may", 75, False)] * 5, 100) == 0
    assert compactable([full, LakeFile("may", 1, True), LakeFile("june", 1, True)], 100) == 2


def test_the_report_is_one_line_a_table() -> None:
    stood = {"files": 1200, "planning_ms": 80.5}
    report = {
        "table": "raw.a",
        "before": stood,
        "after": {"files": 3, "planning_ms": 4.0},
        "orphans": 2,
        "compacted_s": 1.23,
    }
    assert summary(report) == "raw.a: files 1,200 → 3, planning ms 80.5 → 4.0, compacted in 1.2 s, orphans removed 2"
    assert summary({"table": "raw.a", "empty": True}) == "raw.a: empty"
    assert summary({"table": "raw.a", "error": "no"}) == "raw.a: failed: no"
