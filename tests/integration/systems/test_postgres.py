"""The source database and the platform's own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from headrace.errors import SystemRefused, SystemUnavailable
from headrace.systems.endpoint import Endpoint
from headrace.systems.oltp.hook import OltpHook
from headrace.systems.platform.hook import PlatformHook
from headrace.systems.platform.migration import read_migrations
from headrace.systems.retry import Backoff

TABLES = """
    CREATE SCHEMA shop;
    CREATE TABLE shop.orders (id bigint PRIMARY KEY, total numeric(12,2) NOT NULL, note varchar(40), tags text[]);
    ALTER TABLE shop.orders REPLICA IDENTITY FULL;
    CREATE TABLE shop."Odd Name" (a int, b int, PRIMARY KEY (b, a));
    INSERT INTO shop.orders SELECT n, n FROM generate_series(1, 20) n;
    CREATE PUBLICATION headrace_oltp FOR TABLES IN SCHEMA shop;"""


@pytest.fixture
def dsn(database: Callable[[str], str]) -> str:
    found = database("oltp")
    with psycopg.connect(found, autocommit=True) as connection:
        connection.execute(TABLES)
    return found


@pytest.fixture
def oltp(dsn: str) -> OltpHook:
    return OltpHook(Endpoint.from_url(dsn))


def test_tables_are_seen_as_they_are(oltp: OltpHook) -> None:
    found = oltp.tables(["shop.orders", "shop.Odd Name", "shop.nothing"])
    assert set(found) == {"shop.orders", "shop.Odd Name"}
    orders = found["shop.orders"]
    assert [tuple(column) for column in orders.columns] == [
        ("id", "bigint", False, True, False),
        ("total", "numeric(12,2)", False, False, False),
        ("note", "character varying(40)", True, False, False),
        ("tags", "text[]", True, False, False),
    ]
    assert orders.not_full == ()
    assert found["shop.Odd Name"].not_full == ("shop.Odd Name",)
    publication = oltp.publication("headrace_oltp")
    assert publication
    assert publication.tables == {"shop.orders", "shop.Odd Name"}
    assert publication.every_operation
    assert not publication.via_root
    assert oltp.publication("other") is None
    assert oltp.empty_enums() == ()
    assert oltp.row_counts(["shop.orders", "shop.Odd Name"]) == {"shop.orders": 20, "shop.Odd Name": 0}


def test_what_keeps_a_table_from_being_captured_is_seen(dsn: str, oltp: OltpHook) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "CREATE TYPE shop.mood AS ENUM ();"
            "CREATE TABLE shop.days (id int, day date, twice int GENERATED ALWAYS AS (id * 2) STORED) PARTITION BY RANGE (day);"
            "CREATE TABLE shop.days_old PARTITION OF shop.days FOR VALUES FROM ('2000-01-01') TO ('2024-01-01');"
            "ALTER TABLE shop.days REPLICA IDENTITY FULL;"
            "ALTER PUBLICATION headrace_oltp SET (publish_via_partition_root = true, publish = 'insert')"
        )
    (days,) = oltp.tables(["shop.days"], "cdc").values()
    assert (days.partitioned, days.partitions, days.not_full) == (True, ("shop.days_old",), ("shop.days_old",))
    assert (days.usable, days.readable) == (False, False)
    assert [column.name for column in days.columns if column.generated] == ["twice"]
    publication = oltp.publication("headrace_oltp")
    assert publication
    assert (publication.via_root, publication.every_operation) == (True, False)
    assert "shop.days" in publication.tables
    assert oltp.empty_enums() == ("shop.mood",)


def test_a_table_that_is_not_there_is_not_counted(oltp: OltpHook) -> None:
    with pytest.raises(SystemRefused, match=r'relation "shop\.nothing" does not exist'):
        oltp.row_counts(["shop.nothing"])


def test_a_slot_shows_how_far_it_is_behind_and_can_be_dropped(oltp: OltpHook, dsn: str, name: str) -> None:
    assert oltp.slot(name) is None
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [name])
        connection.execute("INSERT INTO shop.orders SELECT n, n FROM generate_series(100, 5000) n")
    slot = oltp.slot(name)
    assert slot is not None
    assert (slot.active, slot.wal_status, slot.lost) == (False, "reserved", False)
    assert slot.lag_bytes > 100_000
    assert oltp.drop_slot(name)
    assert not oltp.drop_slot(name)


def test_a_missing_server_is_unavailable_and_a_refusal_is_refused() -> None:
    gone = Endpoint("127.0.0.1", 1, "x", "y", database="z")
    with pytest.raises(
        SystemUnavailable, match=r"oltp at postgresql://127\.0\.0\.1:1/z: .*refused.*tried 2 times since"
    ):
        OltpHook(gone, backoff=Backoff(tries=2, first_s=0.01)).slot("x")


def test_a_wrong_password_is_refused_and_never_shown(dsn: str) -> None:
    known = Endpoint.from_url(dsn)
    wrong = Endpoint(known.host, known.port, known.login, "hush-hush", database=known.database)
    with pytest.raises(SystemRefused, match="password authentication failed") as caught:
        OltpHook(wrong).slot("x")
    assert "hush" not in str(caught.value)


def test_a_statement_that_takes_too_long_is_unavailable(dsn: str) -> None:
    hook = PlatformHook(Endpoint.from_url(dsn))
    with pytest.raises(SystemUnavailable, match="statement timeout"), hook.transaction() as connection:
        connection.execute("SET statement_timeout = 50")
        connection.execute("SELECT pg_sleep(5)")


def test_a_read_survives_a_broken_connection(oltp: OltpHook, monkeypatch: pytest.MonkeyPatch) -> None:
    connect, breaks = psycopg.connect, iter([True, False])

    def flaky(*args: object, **kwargs: object) -> psycopg.Connection:
        connection = connect(*args, **kwargs)  # type: ignore[arg-type]
        if next(breaks):
            connection.execute("SELECT 1")
            connection.pgconn.finish()
        return connection

    monkeypatch.setattr(psycopg, "connect", flaky)
    assert oltp.slot("none") is None


def test_migrations_run_once_even_when_two_begin_together(database: Callable[[str], str]) -> None:
    place = Endpoint.from_url(database("platform"))
    done: list[tuple[str, ...]] = []
    threads = [threading.Thread(target=lambda: done.append(PlatformHook(place).migrate())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = tuple(migration.name for migration in read_migrations())
    assert sorted(done, key=len) == [(), (), names]


def test_a_migration_that_changed_is_run_again_and_a_failing_one_leaves_nothing(
    platform: PlatformHook, tmp_path: Path
) -> None:
    file = tmp_path / "900_more.sql"
    file.write_text("CREATE TABLE IF NOT EXISTS more (a int);")
    assert platform.migrate(read_migrations(tmp_path)) == ("900_more.sql",)
    file.write_text("CREATE TABLE IF NOT EXISTS more (a int); ALTER TABLE more ADD COLUMN IF NOT EXISTS b int;")
    assert platform.migrate(read_migrations(tmp_path)) == ("900_more.sql",)
    assert platform.migrate(read_migrations(tmp_path)) == ()
    (tmp_path / "901_bad.sql").write_text("CREATE TABLE half (a int); SELECT nonsense;")
    with pytest.raises(SystemRefused, match="nonsense"):
        platform.migrate(read_migrations(tmp_path))
    with platform.transaction() as connection:
        assert connection.execute("SELECT to_regclass('half')").fetchone() == (None,)


def test_an_alert_is_open_once_until_it_is_resolved(platform: PlatformHook) -> None:
    assert platform.raise_alert("connector:x", "warning", "slow", "shop.orders")
    assert not platform.raise_alert("connector:x", "error", "down", "shop.orders")
    (alert,) = platform.open_alerts()
    assert (alert.key, alert.severity, alert.dataset, alert.text, alert.times) == (
        "connector:x", "error", "shop.orders", "down", 2,
    )  # fmt: skip
    assert platform.resolve_alert("connector:x")
    assert not platform.resolve_alert("connector:x")
    assert platform.open_alerts() == ()
    assert platform.raise_alert("connector:x", "error", "down again")


def test_a_plan_is_kept_with_its_outcome(platform: PlatformHook) -> None:
    first, second = (platform.record_plan("run", {"changes": []}, "No changes.") for _ in range(2))
    platform.plan_applied(first)
    platform.plan_failed(second, "kafka: gone")
    with platform.transaction() as connection:
        rows = connection.execute("SELECT applied_at IS NOT NULL, error, plan FROM plans ORDER BY id").fetchall()
    assert rows == [(True, None, {"changes": []}), (False, "kafka: gone", {"changes": []})]


def test_counts_connectors_and_snapshots_are_remembered(platform: PlatformHook) -> None:
    assert platform.count("kafka", "t") is None
    platform.keep_count("kafka", "t", {"rows": 1})
    platform.keep_count("kafka", "t", {"rows": 2})
    assert platform.count("kafka", "t") == {"rows": 2}
    platform.own_connector("cdc-x", made=True)
    platform.own_connector("cdc-x", made=True)
    assert platform.owned_connectors() == {"cdc-x"}
    platform.own_connector("cdc-x", made=False)
    assert platform.owned_connectors() == frozenset()
    platform.add_due_snapshots("oltp", ["b", "a", "b"])
    assert platform.due_snapshots() == {"oltp": ("a", "b")}
    platform.snapshots_taken("oltp", ["a"])
    assert platform.due_snapshots() == {"oltp": ("b",)}
    platform.keep_fresh_start("oltp", {"connection": "oltp", "starts": {}})
    assert platform.fresh_starts() == {"oltp": {"connection": "oltp", "starts": {}}}
    platform.reconciled("oltp")
    assert platform.fresh_starts() == {}
