"""What the project's own image runs, run here."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from headrace.errors import SystemRefused
from headrace.systems.endpoint import Endpoint
from headrace.systems.spark.host import SupervisorHost, stream_host
from include.stack.images import container
from include.stack.services.streams import driver_environment
from tests.support.astro import OURS, SECRETS, VARIABLE, local_settings, scalars


def test_the_supervisor_takes_its_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = container.write_configuration(tmp_path)
    assert "HEADRACE_PASSWORD_STREAMS)s" in file.read_text()
    monkeypatch.setenv("HEADRACE_PASSWORD_STREAMS", "s3cret")
    options = ServerOptions()
    options.realize(["-c", str(file)])
    assert options.process_group_configs == []
    assert options.server_configs[0]["password"] == "s3cret"


def test_airflow_calls_it_over_http_with_a_password(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with _supervisor(tmp_path, port):
        host = stream_host(Endpoint(extra={"streams": f"http://headrace:s3cret@127.0.0.1:{port}"}))
        driver = host.driver("retail")  # of a group that it does not know yet
        assert (driver.alive, driver.state) == (False, "STOPPED")
        host.stop("retail")
        host.launch("retail")
        assert host.driver("retail").state in ("STARTING", "BACKOFF", "EXITED", "RUNNING", "FATAL")
        with pytest.raises(SystemRefused, match="INCORRECT_PARAMETERS"):
            host.launch("retail\n[program:x]")
        with pytest.raises(SystemRefused, match="401"):
            SupervisorHost(f"http://headrace:wrong@127.0.0.1:{port}").driver("retail")


def test_a_driver_in_a_container_knows_what_a_local_one_knows() -> None:
    """The rest is in the image (jars, Java), or given by the supervisor's own program."""
    s = local_settings()
    wanted = driver_environment(s, "retail").keys()
    inside = {"HEADRACE_SPARK_JARS", "JAVA_HOME", "HEADRACE_STREAM_CHECKPOINTS"}
    assert wanted - inside <= OURS["streams"]["environment"].keys()
    assert str(container.CHECKPOINTS) in OURS["streams"]["volumes"][0]


def test_prepare_is_given_every_password_that_it_sets() -> None:
    from include.stack.databases import ROLES

    given = OURS["prepare"]["environment"].keys()
    assert {setting for setting, _, _ in ROLES.values()} | {"HEADRACE_PASSWORD_MARQUEZ"} <= given


def test_a_container_is_given_no_secret_that_it_has_no_use_for() -> None:
    allowed = {
        "databases": {"POSTGRES"},
        "store": {"WEED_KEY"},
        "kafka": {"KAFKA_BROKER"},
        "kafka-users": {"KAFKA", "KAFKA_BROKER", "KAFKA_CONNECT", "KAFKA_STREAMS"},
        "registry": {"REGISTRY_DB", "REGISTRY", "REGISTRY_CONNECT", "REGISTRY_STREAMS"},
        "clickhouse": {"CLICKHOUSE", "ANALYST"},
        "streams": {"STREAMS", "PLATFORM", "CLICKHOUSE", "KAFKA_STREAMS", "REGISTRY_STREAMS"},
        "lineage": {"LINEAGE_DB", "LINEAGE_KEY"},
        "marquez": {"MARQUEZ"},
        "marquez-web": set[str](),
    }
    for name, wanted in allowed.items():
        found = {m[1] for _, text in scalars(OURS[name]) for m in VARIABLE.finditer(text)} & SECRETS
        assert {secret.removeprefix("HEADRACE_").removeprefix("PASSWORD_") for secret in found} == wanted, name


@contextmanager
def _supervisor(tmp_path: Path, port: int) -> Iterator[None]:
    text = container.write_configuration(tmp_path).read_text()
    text = text.replace(f"0.0.0.0:{container.PORT}", f"127.0.0.1:{port}")
    text = text.replace("/tmp/supervisord.pid", str(tmp_path / "supervisord.pid"))
    (tmp_path / "streams.conf").write_text(text)
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(tmp_path / "streams.conf")]
    environ = os.environ | {"HEADRACE_PASSWORD_STREAMS": "s3cret"}
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert time.monotonic() < deadline, "the supervisor did not start"
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(30)
