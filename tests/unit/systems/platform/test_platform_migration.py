from __future__ import annotations

from pathlib import Path

import pytest

from headrace.systems.platform.migration import read_migrations


def test_the_migrations_stand_in_order_and_bear_being_run_again() -> None:
    migrations = read_migrations()
    assert [m.name for m in migrations] == sorted(m.name for m in migrations)
    for migration in migrations:
        bare = migration.sql.upper()
        for statement in ("CREATE TABLE", "CREATE INDEX", "CREATE UNIQUE INDEX", "ADD COLUMN"):
            assert bare.count(statement) == bare.count(f"{statement} IF NOT EXISTS"), migration.name


@pytest.mark.parametrize("name", ["1_plans.sql", "001-plans.sql", "001_plans_too.sql"])
def test_a_file_that_breaks_the_order_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "001_plans.sql").write_text("SELECT 1")
    (tmp_path / name).write_text("SELECT 2")
    with pytest.raises(ValueError, match=r"must be named NNN_name\.sql, each number once"):
        read_migrations(tmp_path)
