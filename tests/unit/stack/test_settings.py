"""Settings: defaults, the env file, secrets, and what is refused."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from include.stack.connections import connect_extra
from include.stack.services import airflow
from include.stack.settings import SETTINGS, SettingError, ensure_secrets, load


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HEADRACE_ROOT": str(tmp_path), "HEADRACE_STATE": str(tmp_path / "state")}


def test_ports_follow_the_base_and_can_be_set_one_by_one(environ: dict[str, str]) -> None:
    s = load(environ | {"HEADRACE_PORT_BASE": "30000", "HEADRACE_PORT_KAFKA": "9092"})
    assert (s.port("AIRFLOW"), s.port("KAFKA")) == (30080, 9092)
    assert len(set(s.ports().values())) == len(s.ports())


def test_secrets_are_made_once_and_kept_private(environ: dict[str, str], tmp_path: Path) -> None:
    first = ensure_secrets(load(environ), environ)
    again = ensure_secrets(load(environ), environ)
    secrets = [s.name for s in SETTINGS if s.kind == "secret"]
    assert all(len(first[name]) >= 40 for name in secrets)
    assert len({first[name] for name in secrets}) == len(secrets)
    assert {name: first[name] for name in secrets} == {name: again[name] for name in secrets}
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert not [name for name in secrets if first[name] in repr(first)]


def test_a_secret_that_is_added_later_leaves_the_others_alone(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HEADRACE_PASSWORD_SHOP=mine\n")
    s = ensure_secrets(load(environ), environ)
    assert s["HEADRACE_PASSWORD_SHOP"] == "mine"
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_an_instance_keeps_its_secrets_in_its_own_folder(environ: dict[str, str], tmp_path: Path) -> None:
    s = load(environ | {"HEADRACE_INSTANCE": "test"})
    assert s.env_file == tmp_path / "state" / "instances" / "test" / ".env"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEADRACE_PORT_BASE", "many"),
        ("HEADRACE_MEMORY_KAFKA", "512"),
        ("HEADRACE_RAW_POLL_S", "0"),
        ("HEADRACE_CATALOG", "hive"),
        ("HEADRACE_OBJECT_STORE", "minio"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(environ: dict[str, str], name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        load(environ | {name: value})


def test_waits_reach_airflow_and_the_plan(environ: dict[str, str]) -> None:
    assert connect_extra(load(environ)) == {}
    own = {"HEADRACE_SINK_COMMIT_MS": "2000", "HEADRACE_SINK_SESSION_MS": "10000", "HEADRACE_RAW_POLL_S": "5"}
    s = ensure_secrets(load(environ | own), environ | own)
    assert connect_extra(s)["plan"] == {
        "sink_commit_interval_ms": 2000,
        "sink_config": {
            "consumer.override.session.timeout.ms": "10000",
            "iceberg.kafka.session.timeout.ms": "10000",
        },
    }
    assert airflow.environment(s)["HEADRACE_RAW_POLL_S"] == "5"
