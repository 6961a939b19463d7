"""The generated configuration: private, complete, and without a secret in any command line."""

from __future__ import annotations

import json
import stat
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from include.stack import configuration
from include.stack.connections import connections
from include.stack.processes import definitions
from include.stack.settings import SETTINGS, Settings, ensure_secrets, load

ROOT = Path(__file__).parents[3]


@pytest.fixture
def s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    environ = {"HEADRACE_ROOT": str(ROOT), "HEADRACE_STATE": str(tmp_path), "HEADRACE_INSTANCE": "unit"}
    monkeypatch.setattr("include.stack.processes.java_home", lambda: Path("/java"))
    monkeypatch.setattr("include.stack.airflow.java_home", lambda: Path("/java"))
    monkeypatch.setattr("include.stack.streams.java_home", lambda: Path("/java"))
    return ensure_secrets(load(environ), environ)


def test_every_file_is_private_and_parses(s: Settings) -> None:
    configuration.write(s)
    files = list(s.run.glob("*"))
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files if file.name != "contracts.index.json")
    ElementTree.parse(s.run / "clickhouse.xml")
    users = ElementTree.parse(s.run / "clickhouse-users.xml")
    assert users.findtext("users/default/grants/query") == "GRANT SYSTEM LISTEN, CREATE TEMPORARY TABLE ON *.*"
    assert json.loads((s.run / "s3-identities.json").read_text())["identities"][0]["name"] == "headrace"


def test_no_secret_is_in_a_command_line(s: Settings) -> None:
    secrets = {s[setting.name] for setting in SETTINGS if setting.kind == "secret"}
    for process in definitions(s):
        for word in process.command:
            assert not any(secret in word for secret in secrets), f"{process.name}: a secret is in its argv"


def test_streams_are_not_the_supervisors_to_restart(s: Settings) -> None:
    restarts = {process.name: process.restarts for process in definitions(s)}
    assert not restarts.pop("stream-retail")
    assert all(restarts.values())


def test_every_server_binds_to_the_setting(s: Settings) -> None:
    configuration.write(s)
    for name in ("kafka.properties", "connect.properties", "clickhouse.xml", "seaweedfs.options"):
        text = (s.run / name).read_text()
        assert s.bind in text
        assert "0.0.0.0" not in text


def test_airflow_gets_every_connection(s: Settings) -> None:
    ids = {body["connection_id"] for body in connections(s)}
    assert {
        "kafka_default", "spark_default", "clickhouse_default", "schema_registry_default", "kafka_connect_default",
        "lake_default", "oltp_default", "platform_default", "lineage_default",
        "tokens_default", "landing_default", "serving_default", "alerts_default",
    } == ids  # fmt: skip
