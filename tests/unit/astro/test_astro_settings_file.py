from __future__ import annotations

import dataclasses
import json
import re

import pytest

from headrace.systems.endpoint import Endpoint
from include.stack.connections import connections
from include.stack.endpoints import endpoint
from include.stack.images.settings_file import ADDRESSES, ELSEWHERE, settings_file
from tests.support.astro import AIRFLOW, AIRFLOW_SETTINGS, OURS, ROOT, SECRETS, SERVICES, local_settings, scalars

ENTRIES = {entry["conn_id"]: entry for entry in AIRFLOW_SETTINGS["connections"]}


def test_the_file_is_up_to_date() -> None:
    """Else: python -m include.stack.images.settings_file"""
    assert (ROOT / "airflow_settings.yaml").read_text() == settings_file()


def test_it_has_the_connections_of_the_local_stack_and_no_other() -> None:
    assert list(ENTRIES) == [body["connection_id"] for body in connections(local_settings())]


def test_a_key_is_one_that_astro_reads() -> None:
    known = {"id", "type", "host", "schema", "login", "password", "port", "uri", "extra"}
    for entry in ENTRIES.values():
        assert {key.removeprefix("conn_") for key in entry} <= known
    for pool in AIRFLOW_SETTINGS["pools"]:
        assert set(pool) == {"pool_name", "pool_slot", "pool_description"}


def test_no_secret_stands_in_it() -> None:
    text = (ROOT / "airflow_settings.yaml").read_text()
    assert "secret of" not in text
    for entry in ENTRIES.values():
        assert entry.get("conn_password", "env:").startswith("env:")
        for key, value in json.loads(entry.get("conn_extra", "{}")).items():
            if re.search("key|secret|password|token", key):
                assert value.startswith("env:"), key


def test_what_it_refers_to_is_in_the_environment_of_every_airflow_process() -> None:
    found = set(re.findall(r"env:(HEADRACE_\w+)", (ROOT / "airflow_settings.yaml").read_text()))
    assert found - {"HEADRACE_STREAMS_URL", "HEADRACE_ALERTS_URL"} <= SECRETS
    for service in AIRFLOW:
        assert found <= SERVICES[service]["environment"].keys()


def test_every_address_is_a_service() -> None:
    """Host and port are where a container of that name listens, by its own configuration."""
    assert ELSEWHERE not in (ROOT / "airflow_settings.yaml").read_text()
    addresses = {
        (host, port): " ".join(text for _, text in scalars(OURS[host])) + _configuration(host)
        for host, port in ADDRESSES.values()
    }
    for (host, port), text in addresses.items():
        assert re.search(rf"\b{port}\b", text), (host, port)


@pytest.mark.parametrize("name", list(ENTRIES))
def test_read_in_a_container_it_is_the_local_connection_at_another_address(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for secret in SECRETS:
        monkeypatch.setenv(secret, f"secret of {secret}")
    monkeypatch.setenv("HEADRACE_STREAMS_URL", "http://headrace:pw@streams:9001")
    entry = {key.removeprefix("conn_"): value for key, value in ENTRIES[name].items()}
    body = {"conn_type" if key == "type" else key: value for key, value in entry.items() if key != "id"}
    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(body))
    here, there = Endpoint.from_connection(name), endpoint(local_settings(), name)
    assert dataclasses.replace(here, host="", port=None, extra={}) == dataclasses.replace(
        there, host="", port=None, extra={}
    )
    assert here.extra.keys() == there.extra.keys()
    for key, value in there.extra.items():
        if not re.search("endpoint|uri|bootstrap|streams|standby", key):
            assert here.extra[key] == value
    if name == "spark_default":
        assert here.extra["streams"] == "http://headrace:pw@streams:9001"
        assert here.extra["standby"] == ""


def _configuration(service: str) -> str:
    files = {
        "connect": (ROOT / "include/stack/images/connect.properties").read_text(),
        "store": (ROOT / "docker-compose.override.yml").read_text().split("seaweedfs-options:", 1)[1],
    }
    return files.get(service, "")
