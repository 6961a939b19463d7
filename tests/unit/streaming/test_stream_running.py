"""Around the queries: settings, waiting, failing, and what is told of it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import inspect
import re
import threading
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from headrace.errors import SystemRefused, SystemUnavailable
from headrace.streaming import heartbeat, sink
from headrace.streaming.datasets import Served
from headrace.streaming.dead_letters import headers
from headrace.streaming.decode import DeadLetter
from headrace.streaming.driver import Driver
from headrace.streaming.metrics.lookup import Found
from headrace.streaming.metrics.spec import Lookup, Metrics
from headrace.streaming.patience import Patience, Stopped
from headrace.streaming.pulse import Done, Pulse
from headrace.streaming.queries import lag
from headrace.streaming.session import spark_conf
from headrace.streaming.settings import StreamSettings
from headrace.streaming.supervise import Failures, Limits
from headrace.systems.endpoint import Endpoint
from headrace.systems.retry import Backoff

ENVIRONMENT = {
    "HEADRACE_STREAM_CHECKPOINTS": "/data/checkpoints/retail",
    "HEADRACE_KAFKA_BOOTSTRAP": "kafka:9092",
    "HEADRACE_REGISTRY_URL": "http://registry:8081/apis/ccompat/v7",
    "HEADRACE_CLICKHOUSE_HOST": "clickhouse",
    "HEADRACE_CLICKHOUSE_PORT": "8123",
}
AWAY = SystemUnavailable("warehouse", "clickhouse:8123", "it is away")


def quick(limit_s: float = 5.0, notes: list[str] | None = None, stopping: threading.Event | None = None) -> Patience:
    note = notes.append if notes is not None else lambda _: None
    return Patience(limit_s, note, stopping or threading.Event(), Backoff(first_s=0.001, longest_s=0.002))


def test_a_metric_over_events_is_not_counted_and_the_log_names_it(caplog: pytest.LogCaptureFixture) -> None:
    lookup = Lookup("name", "id", "web.people", "(unknown)")
    facts = {
        captured: Served(f"web.{captured}", "t", ("id",), captured, ("web.s", "web.c")) for captured in (True, False)
    }
    metrics = [Metrics(f"of_{fact.id}", fact.id, "at", {}, {}, (), lookup, dt.timedelta()) for fact in facts.values()]
    settings = StreamSettings.from_environ(ENVIRONMENT)
    driver = Driver("web", settings, list(facts.values()), "v", metrics, threading.Event())
    assert [pulse.query for pulse in driver.pulses] == ["cdc", "metrics"]
    assert "metric of_web.False is not counted" in caplog.text


def test_settings_come_from_the_environment() -> None:
    made = StreamSettings.from_environ(
        {
            **ENVIRONMENT,
            "HEADRACE_STREAM_TRIGGER_MS": "250",
            "HEADRACE_KAFKA_OPTIONS": '{"security.protocol": "SSL"}',
            "HEADRACE_CLICKHOUSE_SECURE": "true",
            "HEADRACE_STREAM_PATIENCE_S": "",
        }
    )
    assert (made.trigger_ms, made.clickhouse_port, made.patience_s, made.clickhouse_secure) == (250, 8123, 900.0, True)
    assert made.kafka_options == {"security.protocol": "SSL"}
    assert Path(made.contracts).name == "contracts.applied.json"


def test_every_setting_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(ValueError, match="HEADRACE_KAFKA_BOOTSTRAP is not set") as wrong:
        StreamSettings.from_environ({"HEADRACE_CLICKHOUSE_PORT": "many", "HEADRACE_CLICKHOUSE_SECURE": "perhaps"})
    assert "HEADRACE_CLICKHOUSE_PORT='many' is not of type int" in str(wrong.value)
    assert "HEADRACE_CLICKHOUSE_SECURE" in str(wrong.value)
    with pytest.raises(ValueError, match="HEADRACE_KAFKA_OPTIONS is not of type Mapping") as torn:
        StreamSettings.from_environ({"HEADRACE_KAFKA_OPTIONS": '{"sasl.password": "s3cret"'})
    assert "s3cret" not in str(torn.value)


def test_every_setting_has_a_description() -> None:
    text = Path(inspect.getfile(StreamSettings)).read_text()
    for setting in dataclasses.fields(StreamSettings):
        assert re.search(rf'    {setting.name}: .*\n    """[A-Z].+', text), f"{setting.name} has no docstring"


def test_no_secret_is_in_sparks_configuration_or_shown(tmp_path: Path) -> None:
    made = StreamSettings.from_environ(
        {**ENVIRONMENT, "HEADRACE_CLICKHOUSE_PASSWORD": "s3cret", "HEADRACE_SPARK_JARS": str(tmp_path)}
    )
    assert "s3cret" not in str(spark_conf(made)) + repr(made)


def test_plain_files_are_used_when_their_jar_is_there(tmp_path: Path) -> None:
    (tmp_path / "kafka-clients-3.9.1.jar").touch()
    made = StreamSettings.from_environ({**ENVIRONMENT, "HEADRACE_SPARK_JARS": str(tmp_path)})
    assert "spark.hadoop.fs.file.impl" not in spark_conf(made)
    (tmp_path / "hadoop-bare-naked-local-fs-0.1.0.jar").touch()
    conf = spark_conf(made)
    assert conf["spark.hadoop.fs.file.impl"].endswith("NakedLocalFileSystem")
    assert conf["spark.driver.extraClassPath"].count(":") == 1


def test_options_win_over_the_drivers_own() -> None:
    made = StreamSettings.from_environ({**ENVIRONMENT, "HEADRACE_SPARK_OPTIONS": '{"spark.ui.enabled": "true"}'})
    assert spark_conf(made)["spark.ui.enabled"] == "true"


def test_an_unavailable_system_is_waited_for_and_the_wait_is_reported() -> None:
    notes: list[str] = []
    answers = iter([AWAY, AWAY, 42])

    def call() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert quick(notes=notes).outlast(call) == 42
    assert notes == [str(AWAY), str(AWAY), ""]


def test_patience_has_an_end() -> None:
    def call() -> None:
        raise AWAY

    with pytest.raises(SystemUnavailable):
        quick(limit_s=0.01).outlast(call)


def test_a_driver_that_stops_ends_every_wait() -> None:
    stopping = threading.Event()
    stopping.set()

    def call() -> None:
        raise AWAY

    with pytest.raises(Stopped):
        Patience(60.0, lambda _: None, stopping).outlast(call)


def test_what_is_refused_is_not_tried_again() -> None:
    calls = []

    def call() -> None:
        calls.append(1)
        raise SystemRefused("warehouse", "clickhouse:8123", "no such table")

    with pytest.raises(SystemRefused):
        quick().outlast(call)
    assert len(calls) == 1


def test_a_query_that_fails_too_often_stays_down() -> None:
    failures = Failures(Limits(restarts=3, window_s=100))
    assert failures.restart_after(0.0) is not None
    assert failures.restart_after(1.0) is not None
    assert failures.restart_after(2.0) is None


def test_failures_long_ago_do_not_count_and_waits_grow() -> None:
    failures = Failures(Limits(restarts=3, window_s=100))
    assert failures.restart_after(0.0) is not None
    assert failures.restart_after(99.0) is not None
    wait = failures.restart_after(150.0)
    assert wait is not None
    assert 1.0 <= wait <= 2.0


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (
            DatabaseError("HTTPDriver for x returned error code 252 (Code: 252. DB::Exception: Too many parts)"),
            SystemUnavailable,
        ),
        (DatabaseError("Code: 241. DB::Exception: Memory limit (total) exceeded"), SystemUnavailable),
        (DatabaseError("HTTP driver received HTTP status 503"), SystemUnavailable),
        (DatabaseError("Code: 60. DB::Exception: Table shop.lines does not exist"), SystemRefused),
        (DatabaseError("Code: 16. DB::Exception: No such column"), SystemRefused),
        (OperationalError("Error Connection refused executing HTTP request"), SystemUnavailable),
        (ConnectionResetError("reset"), SystemUnavailable),
    ],
)
def test_clickhouse_errors_are_unavailable_or_refused(
    error: Exception, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = sink.Sink(Endpoint(host="clickhouse", port=8123, login="u", password="p"))
    monkeypatch.setattr(target, "_connected", lambda: (_ for _ in ()).throw(error))
    with pytest.raises(kind, match="clickhouse:8123"):
        target.query("SELECT 1")


def test_a_dead_letter_has_its_position_and_reason() -> None:
    dead_letter = DeadLetter(
        "t", 2, 41, b"k", b"v", "too short: é", "record", dt.datetime(2026, 11, 24, 1, tzinfo=dt.UTC)
    )
    assert dict(headers(dead_letter, "cdc")) == {
        "query": b"cdc",
        "rule": b"record",
        "recorded_at": b"2026-11-24T01:00:00+00:00",
        "topic": b"t",
        "partition": b"2",
        "offset": b"41",
        "reason": "too short: é".encode(),
    }


def test_a_finished_batch_ends_the_error_that_stood_in_its_way() -> None:
    pulse = Pulse("cdc")
    pulse.waits("clickhouse is away")
    since = pulse.last_error_at
    pulse.waits("clickhouse is away")
    assert pulse.last_error_at == since
    pulse.batch(7, Done(10, 2, {"shop.lines": {"b", "a"}, "shop.other": set()}))
    assert (pulse.last_error, pulse.last_error_at, pulse.rows_total, pulse.dead_letters) == ("", None, 10, 2)
    assert pulse.drift == "shop.lines: a, b"
    pulse.failed("restarting", "it broke")
    assert (pulse.state, pulse.last_error) == ("restarting", "it broke")
    pulse.batch(8, Done(5))
    assert (pulse.state, pulse.rows, pulse.rows_total, pulse.drift) == ("running", 5, 15, "")


def test_lag_is_what_kafka_has_beyond_what_was_read() -> None:
    progress = {
        "sources": [
            {
                "endOffset": {"a": {"0": 5, "1": 9}, "b": {"0": 3}},
                "latestOffset": {"a": {"0": 7, "1": 9}, "b": {"0": 3}, "c": {"0": 4}},
            }
        ]
    }
    assert lag(progress) == 6
    assert lag({"sources": [{"endOffset": None, "latestOffset": None}]}) == 0


def test_heartbeats_go_to_the_columns_that_the_platform_has() -> None:
    migration = Path(__file__).parents[3] / "plugins/headrace/systems/platform/migrations/010_streams.sql"
    tables = dict(re.findall(r"CREATE TABLE IF NOT EXISTS (\w+) \((.*?)\n\);", migration.read_text(), re.DOTALL))
    for statement in (heartbeat.DRIVER, heartbeat.BEAT):
        table, columns = re.search(r"INSERT INTO (\w+) \(([^)]*)\)", statement).groups()  # type: ignore[union-attr]
        known = set(re.findall(r"^    (\w+) ", tables[table], re.MULTILINE))
        assert {column.strip() for column in columns.split(",")} <= known


LOOKUP = Lookup("department", "product", "shop.products", "(unknown)")


class Products:
    """Stands for the sink: the products that are served by now."""

    def __init__(self) -> None:
        self.served: dict[int, str] = {}
        self.reads = 0

    def query_arrow(self, sql: str) -> pa.Table:
        self.reads += 1
        return pa.table(
            {
                "product": pa.array(self.served.keys(), pa.int64()),
                "department": pa.array(self.served.values(), pa.string()),
            }
        )


def departments(found: Found, *products: int) -> list[str]:
    frame = found.add(pl.DataFrame({"product": pl.Series(products, dtype=pl.Int64)}))
    return frame.sort("product")["department"].to_list()


def test_an_unlisted_key_is_unknown_once_all_is_served_and_is_not_read_each_time() -> None:
    products = Products()
    products.served = {1: "DELI"}
    found = Found(LOOKUP, products, quick(), lambda: True)  # type: ignore[arg-type]
    assert departments(found, 1, 2) == ["DELI", "(unknown)"]
    reads = products.reads
    assert departments(found, 1, 2) == ["DELI", "(unknown)"]
    assert products.reads == reads
    products.served[3] = "FUEL"
    assert departments(found, 2, 3) == ["(unknown)", "FUEL"]


def test_facts_wait_until_their_lookup_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.streaming.metrics.lookup.POLL_S", 0.001)
    products, notes = Products(), list[str]()
    calls: list[int] = []

    def is_served() -> bool:
        calls.append(1)
        if len(calls) == 5:
            products.served[1] = "DELI"
        return len(calls) >= 5

    found = Found(LOOKUP, products, quick(notes=notes), is_served)  # type: ignore[arg-type]
    assert departments(found, 1) == ["DELI"]
    assert notes[0] == "waits for shop.products to be served"
    assert notes[-1] == ""


def test_facts_do_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.streaming.metrics.lookup.POLL_S", 0.001)
    monkeypatch.setattr("headrace.streaming.metrics.lookup.SERVED_S", 0.02)
    found = Found(LOOKUP, Products(), quick(), lambda: False)  # type: ignore[arg-type]
    assert departments(found, 1) == ["(unknown)"]


def test_a_heartbeat_that_cannot_be_written_stops_nothing() -> None:
    beat = heartbeat.Heartbeat("host=127.0.0.1 port=1 dbname=x", "shop", "v1", lambda: [Pulse("cdc")])
    beat.start()
    beat.stop()


def test_a_heartbeat_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    pulse = Pulse("cdc")
    pulse.failed("down", "it broke")
    assert pulse.last_error_at is not None
    assert dt.datetime.now(dt.UTC) - pulse.last_error_at < dt.timedelta(minutes=1)
