from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from headrace.errors import SystemUnavailable
from headrace.services.status.calls import begin
from headrace.systems.bundle import Endpoints, Systems, plan_settings
from headrace.systems.endpoint import Endpoint
from headrace.systems.kafka.login import login

REST = {
    "type": "rest", "warehouse": "s3://w", "s3.endpoint": "http://s3:9000", "s3.region": "eu-1",
    "oauth2-server-uri": "http://lake:8181/tokens",
}  # fmt: skip
PLACES = Endpoints(
    kafka=Endpoint(extra={"bootstrap.servers": "k1:9092,k2:9092"}),
    registry=Endpoint("reg", 8081, extra={"path": "/apis/ccompat/v7"}),
    connect=Endpoint("c", 8083),
    lake=Endpoint("http://lake:8181", None, "key", "hush", extra=REST),
    warehouse=Endpoint("ch", 8123, "headrace", "hush"),
    platform=Endpoint("pg", 5432, "p", "hush", database="headrace"),
    sources={"oltp": Endpoint("pg", None, "cdc", "hush", database="oltp")},
)


def test_the_plan_learns_addresses_and_never_a_secret() -> None:
    settings = plan_settings(PLACES)
    assert settings.kafka_bootstrap == "k1:9092,k2:9092"
    assert settings.registry_url == "http://reg:8081"
    assert settings.catalog.uri == "http://lake:8181"
    assert settings.catalog.oauth2_uri == "http://lake:8181/tokens"
    assert (settings.sources["oltp"].host, settings.sources["oltp"].port) == ("pg", 5432)
    assert "hush" not in repr(settings)
    assert "hush" not in repr(PLACES)


def test_the_worker_logs_in_where_a_login_is_required() -> None:
    asked_for_none = plan_settings(PLACES)
    assert (asked_for_none.kafka_login, asked_for_none.registry_user) == ({}, "")
    kafka = replace(PLACES.kafka, extra={**PLACES.kafka.extra, **login("headrace", "hush")})
    settings = plan_settings(replace(PLACES, kafka=kafka, registry=replace(PLACES.registry, login="headrace")))
    assert settings.kafka_login == {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": "${env:HEADRACE_KAFKA_JAAS}",
    }
    assert settings.registry_user == "connect"
    assert "hush" not in repr(settings)


def test_a_jdbc_catalog_is_given_as_java_writes_it() -> None:
    lake = Endpoint("db", 5433, "me", "hush", database="lake", extra={**REST, "type": "jdbc"})
    catalog = plan_settings(replace(PLACES, lake=lake)).catalog
    assert (catalog.kind, catalog.uri, catalog.user) == ("jdbc", "jdbc:postgresql://db:5433/lake", "me")


def test_a_worker_elsewhere_may_see_other_addresses() -> None:
    settings = plan_settings(
        PLACES, {"kafka_bootstrap": "inside:9092", "sources": {"oltp": {"host": "inside"}}, "sink_tasks": 4}
    )
    assert (settings.kafka_bootstrap, settings.sink_tasks) == ("inside:9092", 4)
    assert (settings.sources["oltp"].host, settings.sources["oltp"].database) == ("inside", "oltp")


def test_the_connection_of_connect_may_override_defaults_of_the_plan() -> None:
    connect = Endpoint("c", 8083, extra={"plan": {"sink_commit_interval_ms": 2000, "sink_tasks": 2}})
    settings = plan_settings(replace(PLACES, connect=connect), {"sink_tasks": 4})
    assert (settings.sink_commit_interval_ms, settings.sink_tasks) == (2000, 4)


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(ValueError, match=r"catalog\.flavour is unknown"):
        plan_settings(PLACES, {"catalog": {"flavour": "mild"}})


@pytest.fixture
def silent() -> Iterator[int]:
    """Port of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.mark.parametrize(
    "call",
    [
        lambda systems: systems.connect.status("x"),
        lambda systems: systems.registry.subjects(),
        lambda systems: systems.lake.rows("raw.x"),
        lambda systems: systems.warehouse.count("d.t"),
        lambda systems: systems.kafka.partitions(),
        lambda systems: systems.platform.open_alerts(),
    ],
    ids=["connect", "registry", "lake", "warehouse", "kafka", "platform"],
)
def test_a_read_that_a_person_waits_for_ends_where_nobody_answers(silent: int, call: Callable[[Systems], Any]) -> None:
    place = Endpoint("127.0.0.1", silent, "me", "hush", database="d")
    lake = Endpoint(f"http://127.0.0.1:{silent}", extra={"type": "rest", "warehouse": "s3://w"})
    kafka = Endpoint(extra={"bootstrap.servers": f"127.0.0.1:{silent}"})
    systems = Systems.at(Endpoints(kafka, place, place, lake, place, place), timeout_s=1.0)
    with pytest.raises(SystemUnavailable):
        begin(lambda: call(systems)).result(timeout=30)
