from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from include.shop import source
from include.shop.engines.lake import changes_fingerprint
from include.shop.engines.postgres import postgres_fingerprints
from include.shop.errors import HistoryConflict, HistoryMismatch
from include.shop.history import LoadProgress, load_history
from include.shop.oracle import compare
from include.shop.shape import read_shapes
from include.shop.source import DATASETS, Sample
from tests.integration.shop.conftest import SHOP_ROLE

pytestmark = pytest.mark.stack

SAMPLE = 2000
SCHEMAS = Path(__file__).parents[3] / "include" / "schemas"
Fetch = Callable[..., list[tuple[object, ...]]]


def counts(fetch: Fetch, conninfo: str) -> dict[str, object]:
    return {name: fetch(conninfo, f"SELECT count(*) FROM retail.{name}")[0][0] for name in DATASETS}


def test_the_loaded_tables_hold_exactly_the_history(schema_database: str) -> None:
    load_history(schema_database, SAMPLE)

    shapes = [shape for shape in read_shapes(SCHEMAS).values() if shape.table in DATASETS]
    history = {
        shape.dataset: changes_fingerprint(
            source.frame(shape.table, Sample(rows=SAMPLE))
            .with_row_index("_offset")
            .with_columns(_op=source.pl.lit("r"), _kafka_partition=source.pl.lit(0))
            .to_arrow(),
            shape,
        )
        for shape in shapes
    }
    loaded = postgres_fingerprints(schema_database, shapes)
    comparison = compare({"history": history, "loaded": loaded})
    assert comparison.equal, str(comparison)


def test_loading_again_skips_what_is_there(schema_database: str, fetch: Fetch) -> None:
    first = load_history(schema_database, SAMPLE)
    assert [done.dataset for done in first] == list(DATASETS)
    before = counts(fetch, schema_database)

    again = load_history(schema_database, str(SAMPLE))

    assert all(done.skipped and done.committed for done in again)
    assert [done.rows for done in again] == [done.rows for done in first]
    assert counts(fetch, schema_database) == before
    assert dict(fetch(schema_database, "SELECT dataset, rows FROM shop.loads")) == before


def test_a_load_that_broke_off_goes_on_where_it_was(schema_database: str, fetch: Fetch) -> None:
    class BrokenOffError(Exception):
        pass

    def break_off(progress: LoadProgress) -> None:
        if progress.dataset == "coupons" and progress.rows and not progress.committed:
            raise BrokenOffError

    with pytest.raises(BrokenOffError):
        load_history(schema_database, SAMPLE, progress=break_off)
    half = counts(fetch, schema_database)
    assert half["products"]
    assert half["coupons"] == half["transactions"] == 0

    done = load_history(schema_database, SAMPLE)

    assert [d.dataset for d in done if not d.skipped] == [
        "coupons",
        "coupon_redemptions",
        "transactions",
    ]
    assert counts(fetch, schema_database) == {d.dataset: d.rows for d in done}


def test_a_table_and_its_mark_are_committed_together(schema_database: str, fetch: Fetch) -> None:
    """The rows are all sent when the mark is refused: none of them may stay."""
    with psycopg.connect(schema_database) as connection:
        connection.execute("ALTER TABLE shop.loads ADD CHECK (dataset <> 'coupons')")
    with pytest.raises(psycopg.errors.CheckViolation):
        load_history(schema_database, SAMPLE)
    left = counts(fetch, schema_database)
    assert left["products"]
    assert left["coupons"] == 0


def test_progress_goes_up_to_the_total_and_then_commits(schema_database: str) -> None:
    seen: list[LoadProgress] = []
    load_history(schema_database, SAMPLE, progress=seen.append)
    for dataset in DATASETS:
        steps = [progress for progress in seen if progress.dataset == dataset]
        assert [s.rows for s in steps] == sorted(s.rows for s in steps)
        assert [s.committed for s in steps] == [False] * (len(steps) - 1) + [True]
        assert steps[-1].rows == steps[-1].total


def test_another_sample_is_refused_with_the_way_out(schema_database: str) -> None:
    load_history(schema_database, SAMPLE)
    with pytest.raises(HistoryMismatch, match=r"with sample 2000, not all: use sample 2000, or"):
        load_history(schema_database)


def test_rows_that_no_load_recorded_are_refused_by_name(schema_database: str, fetch: Fetch) -> None:
    first = source.frame("households").row(0)
    with psycopg.connect(schema_database) as connection:
        connection.execute("INSERT INTO retail.households VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", first)
    with pytest.raises(HistoryConflict, match=r"retail.households contains rows of the history .*household_id"):
        load_history(schema_database, SAMPLE)
    assert counts(fetch, schema_database)["households"] == 1


def test_the_shop_role_may_load(schema_database: str, fetch: Fetch) -> None:
    load_history(make_conninfo(schema_database, options=f"-c role={SHOP_ROLE}"), SAMPLE)
    assert counts(fetch, schema_database)["transactions"] >= SAMPLE
