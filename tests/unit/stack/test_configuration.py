"""The generated configuration: private, complete, and without a secret in any command line."""

from __future__ import annotations

import json
import stat
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from supervisor.options import ServerOptions
from supervisor.xmlrpc import RPCError

from headrace.contracts.applied import write_applied
from headrace.contracts.codec import encode_contract
from include.stack import sockets
from include.stack.connections import connections
from include.stack.contracts import applied_file, contracts
from include.stack.services.catalogue import definitions
from include.stack.services.process import Process
from include.stack.settings import SETTINGS, Settings, ensure_secrets, kept, load
from include.stack.steps import StepFailed
from include.stack.supervision import configuration
from include.stack.supervision.stream_programs import make_interface

ROOT = Path(__file__).parents[3]


@pytest.fixture
def s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    environ = {"HEADRACE_ROOT": str(ROOT), "HEADRACE_STATE": str(tmp_path), "HEADRACE_INSTANCE": "unit"}
    monkeypatch.setattr("include.stack.services.java.java_home", lambda: Path("/java"))
    monkeypatch.setattr("include.stack.environment.java_home", lambda: Path("/java"))
    monkeypatch.setattr("include.stack.services.streams.java_home", lambda: Path("/java"))
    return ensure_secrets(load(environ), environ)


def test_every_file_is_private_and_parses(s: Settings) -> None:
    configuration.write(s)
    files = list(s.run.glob("*"))
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files if "contracts." not in file.name)
    ElementTree.parse(s.run / "clickhouse.xml")
    users = ElementTree.parse(s.run / "clickhouse-users.xml")
    assert users.findtext("users/default/grants/query") == "GRANT SYSTEM LISTEN, CREATE TEMPORARY TABLE ON *.*"
    assert json.loads((s.run / "s3-identities.json").read_text())["identities"][0]["name"] == "headrace"


def test_no_secret_is_in_a_command_line(s: Settings) -> None:
    secrets = {s[setting.name] for setting in SETTINGS if setting.kind == "secret"}
    for process in definitions(s):
        for word in process.command:
            assert not any(secret in word for secret in secrets), f"{process.name}: a secret is in its argv"


def test_each_process_gets_only_its_own_secrets(s: Settings) -> None:
    apply_all(s)
    store = {"HEADRACE_S3_ACCESS_KEY", "HEADRACE_S3_SECRET_KEY"}
    airflow = {
        "HEADRACE_PASSWORD_AIRFLOW_DB", "HEADRACE_PASSWORD_PLATFORM", "HEADRACE_LINEAGE_KEY", "HEADRACE_AIRFLOW_FERNET_KEY",
        "HEADRACE_AIRFLOW_JWT_SECRET", "HEADRACE_AIRFLOW_SESSION_SECRET",
    }  # fmt: skip
    assert {process.name: secrets_of(s, process) for process in definitions(s)} == {
        "postgres": set(),
        "seaweedfs": {"HEADRACE_WEED_KEY"},
        "kafka": set(),
        "clickhouse": set(),
        "watchdog": set(),
        "connect": {
            "HEADRACE_PASSWORD_CDC", "HEADRACE_PASSWORD_LAKE_DB", "HEADRACE_PASSWORD_KAFKA_CONNECT",
            "HEADRACE_PASSWORD_REGISTRY_CONNECT", *store,
        },
        "registry": {
            "HEADRACE_PASSWORD_REGISTRY_DB", "HEADRACE_PASSWORD_REGISTRY", "HEADRACE_PASSWORD_REGISTRY_CONNECT",
            "HEADRACE_PASSWORD_REGISTRY_STREAMS",
        },
        "lineage": {"HEADRACE_PASSWORD_LINEAGE_DB", "HEADRACE_LINEAGE_KEY"},
        "airflow-api": airflow,
        "airflow-scheduler": airflow,
        "airflow-dag-processor": airflow,
        "airflow-triggerer": airflow,
        "stream-retail": {
            "HEADRACE_PASSWORD_PLATFORM", "HEADRACE_PASSWORD_CLICKHOUSE", "HEADRACE_PASSWORD_KAFKA_STREAMS",
            "HEADRACE_PASSWORD_REGISTRY_STREAMS",
        },
        "spark-batch": {"HEADRACE_PASSWORD_PLATFORM", "HEADRACE_TOKEN_KEY", *store},
    }  # fmt: skip


def test_a_folder_of_somebody_else_takes_no_socket(tmp_path: Path) -> None:
    folder = sockets.private_folder(tmp_path)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sockets.private_folder(tmp_path) == folder
    folder.chmod(0o755)
    with pytest.raises(StepFailed, match="remove it"):
        sockets.private_folder(tmp_path)
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(StepFailed, match="must be a folder that only you can enter"):
        sockets.private_folder(tmp_path)


def secrets_of(s: Settings, process: Process) -> set[str]:
    """Settings whose values stand in the environment that a process is started with."""
    secrets = {setting.name: s[setting.name] for setting in SETTINGS if setting.kind == "secret"}
    return {name for name, value in secrets.items() if any(value in each for each in process.environ.values())}


def test_streams_are_not_the_supervisors_to_restart(s: Settings) -> None:
    apply_all(s)
    restarts = {process.name: process.restarts for process in definitions(s)}
    assert not restarts.pop("stream-retail")
    assert all(restarts.values())


def test_a_group_that_is_applied_later_gets_the_program_that_it_has_after_the_next_start(s: Settings) -> None:
    configuration.write(s)
    before = realized(s)
    assert "stream-retail" not in [group.name for group in before.process_group_configs]
    added: list[Any] = []
    supervisord = SimpleNamespace(
        options=before, process_groups={}, add_process_group=lambda config: added.append(config) or True
    )
    programs = make_interface(supervisord, str(s.run / "stream-program.conf"))
    assert programs.addStream("retail")
    apply_all(s)
    configuration.write(s)
    (after,) = (group for group in realized(s).process_group_configs if group.name == "stream-retail")
    assert added == [after]
    supervisord.process_groups["stream-retail"] = after
    assert not programs.addStream("retail")
    for wrong in ("", "a b", "a\n[program:x]\ncommand=x", "../a"):
        with pytest.raises(RPCError):
            programs.addStream(wrong)


@pytest.mark.parametrize(
    ("setting", "value", "restarted"),
    [
        ("HEADRACE_MARQUEZ_URL", "http://127.0.0.1:5000", {"lineage"}),
        ("HEADRACE_MEMORY_KAFKA", "333m", {"kafka"}),
        ("HEADRACE_MEMORY_CLICKHOUSE", "3g", {"clickhouse"}),  # stands in its file only
        ("HEADRACE_MEMORY_SPARK", "777m", {"stream-retail"}),
    ],
)
def test_what_a_setting_concerns_is_started_anew_and_nothing_else(
    s: Settings, setting: str, value: str, restarted: set[str]
) -> None:
    apply_all(s)
    configuration.write(s)
    before = {group.name: group for group in realized(s).process_group_configs}
    configuration.write(replace(s, values={**s.values, setting: value}))
    after = {group.name: group for group in realized(s).process_group_configs}
    assert {name for name in after if after[name] != before[name]} == restarted


def test_a_process_starts_with_the_settings_by_which_its_configuration_was_written(s: Settings) -> None:
    """Also with those that only `up` was given, by its environment."""
    assert kept(s).values == s.values
    given = replace(s, values={**s.values, "HEADRACE_MARQUEZ_URL": "http://127.0.0.1:5000"})
    apply_all(given)
    configuration.write(given)
    assert kept(s)["HEADRACE_MARQUEZ_URL"] == "http://127.0.0.1:5000"
    configuration.write(s)
    assert kept(given)["HEADRACE_MARQUEZ_URL"] == ""


def test_other_jars_start_what_runs_on_them_anew(s: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    apply_all(s)
    configuration.write(s)
    before = {group.name: group for group in realized(s).process_group_configs}
    monkeypatch.setattr(configuration, "wanted_jars", lambda: "others")
    configuration.write(s)
    after = {group.name: group for group in realized(s).process_group_configs}
    on_jars = {"kafka", "connect", "registry", "spark-batch", "stream-retail"}
    airflow = {name for name in after if name.startswith("airflow-")}  # its tasks start drivers of Spark
    assert {name for name in after if after[name] != before[name]} == on_jars | airflow


def test_nothing_is_started_anew_by_another_search_path(s: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration.write(s)
    before = realized(s).process_group_configs
    monkeypatch.setenv("PATH", "/elsewhere")
    configuration.write(s)
    assert realized(s).process_group_configs == before


def apply_all(s: Settings) -> None:
    """As if every contract of the project were applied."""
    encoded = {dataset: encode_contract(contract) for dataset, contract in contracts(s).items()}
    write_applied(applied_file(s), encoded)


def realized(s: Settings) -> Any:
    """The configuration as the supervisor reads it."""
    options = ServerOptions()
    options.realize(["-c", str(s.run / "supervisord.conf")])
    return options


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
