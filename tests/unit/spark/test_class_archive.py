"""The archive of classes: written by the first job, read by the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.systems.spark.archive import NAME, QUIET, ClassArchive


def test_the_first_job_writes_it_and_the_next_reads_it(tmp_path: Path) -> None:
    first = ClassArchive(tmp_path)
    flag, _, place = first.option().partition(" ")[0].partition("=")
    assert flag == "-XX:ArchiveClassesAtExit"
    Path(place).write_bytes(b"classes")
    assert ClassArchive(tmp_path).option() == first.option()  # not before it is whole
    first.keep()
    assert ClassArchive(tmp_path).option() == f"-XX:SharedArchiveFile={tmp_path / NAME} {QUIET}"
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_job_that_left_nothing_keeps_nothing(tmp_path: Path) -> None:
    ClassArchive(tmp_path).keep()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    assert ClassArchive(tmp_path).option() == ""
