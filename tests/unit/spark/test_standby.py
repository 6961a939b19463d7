"""The driver that stands by and the task that asks it, over a real socket; Spark itself is left out."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.errors import SystemRefused, SystemUnavailable
from headrace.systems.endpoint import Endpoint
from headrace.systems.spark.batch import LakeJobOperator
from headrace.systems.spark.standby import Job, Standby, peer_user, standby
from include.spark.batch import standby as driving
from include.spark.batch.standby import Driver, Lines, Pulse, serve

JOB = str(driving.JOBS / "refine" / "job.py")
WITHIN_S = 10.0


class Sparkless(Driver):
    """Does what a test says in place of a job."""

    def __init__(self, work: Callable[[Mapping[str, Any]], int]) -> None:
        super().__init__()
        self.work = work

    def run(self, job: Mapping[str, Any]) -> int:
        return self.work(job)


@pytest.fixture
def standing(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """`standing(work)`: a driver for one conversation after the other; its address."""
    listening = socket.socket(socket.AF_UNIX)
    threads = list[threading.Thread]()

    def stand(work: Callable[[Mapping[str, Any]], int], conversations: int = 1) -> str:
        place, driver, output = tmp_path / "s", Sparkless(work), Lines(io.StringIO())
        listening.bind(str(place))
        listening.listen(8)

        def talk() -> None:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(sys, "stdout", output)
                for _ in range(conversations):
                    connection, _ = listening.accept()
                    with connection:
                        serve(connection, driver, output, Pulse(driver, place))

        threads.append(threading.Thread(target=talk))
        threads[-1].start()
        return f"unix://{place}"

    yield stand
    for thread in threads:
        thread.join(WITHIN_S)
        assert not thread.is_alive()
    listening.close()


def test_a_job_runs_with_its_arguments_and_settings_and_its_output_is_logged(standing: Any) -> None:
    jobs = list[Mapping[str, Any]]()

    def work(job: Mapping[str, Any]) -> int:
        jobs.append(job)
        sys.stdout.write("one\ntw")
        sys.stdout.write("o\n")
        return 0

    lines = list[str]()
    job = Job(JOB, ["retail.products", "{}"], {}, {"spark.sql.shuffle.partitions": "2"})
    assert Standby(standing(work)).run(job, lines.append)
    assert lines == ["one", "two"]
    assert jobs[0]["arguments"] == ["retail.products", "{}"]
    assert jobs[0]["conf"] == {"spark.sql.shuffle.partitions": "2"}


@pytest.mark.parametrize("how", ["code", "exception"])
def test_a_failed_job_is_reported_with_its_reason(standing: Any, how: str) -> None:
    def work(_: Mapping[str, Any]) -> int:
        if how == "exception":
            raise RuntimeError("no such table")
        return 3

    lines = list[str]()
    with pytest.raises(SystemRefused, match="the job ended with"):
        Standby(standing(work)).run(Job(JOB, []), lines.append)
    assert ("RuntimeError: no such table" in lines) == (how == "exception")


def test_a_busy_driver_is_not_waited_for_forever(standing: Any) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(_: Mapping[str, Any]) -> int:
        begun.set()
        return 0 if go_on.wait(WITHIN_S) else 1

    address = standing(work)
    first = threading.Thread(target=lambda: Standby(address).run(Job(JOB, []), str))
    first.start()
    assert begun.wait(WITHIN_S)
    assert not Standby(address, patience_s=0.05).run(Job(JOB, []), str)
    go_on.set()
    first.join(WITHIN_S)
    assert not first.is_alive()


def test_a_driver_of_another_user_gets_no_secret(standing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    worked = list[Mapping[str, Any]]()
    address = standing(lambda job: worked.append(job) or 0)
    monkeypatch.setattr("headrace.systems.spark.standby.peer_user", lambda _: os.geteuid() + 1)
    assert not Standby(address).run(Job(JOB, [], {"HEADRACE_TOKEN_KEY": "mine"}), str)
    assert worked == []


def test_the_user_of_the_peer_is_known() -> None:
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        assert peer_user(one) == os.geteuid()


def test_a_missing_driver_is_no_error(tmp_path: Path) -> None:
    assert not Standby(f"unix://{tmp_path / 'nobody'}").run(Job(JOB, []), str)
    assert standby(Endpoint("local[2]", None)) is None
    assert isinstance(standby(Endpoint("local[2]", None, extra={"standby": "unix:///run/s"})), Standby)


def test_other_secrets_and_other_programs_are_refused(standing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_TOKEN_KEY", "mine")
    address, lines = standing(lambda _: 0, conversations=3), list[str]()
    assert not Standby(address).run(Job(JOB, [], {"HEADRACE_TOKEN_KEY": "other"}), lines.append)
    assert not Standby(address).run(Job("/bin/sh", []), lines.append)
    assert Standby(address).run(Job(JOB, [], {"HEADRACE_TOKEN_KEY": "mine"}), lines.append)
    assert lines[0].endswith("it was started with a different HEADRACE_TOKEN_KEY: restart it")
    assert "/bin/sh is not in " in lines[1]


def test_code_that_has_changed_ends_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "job.py"
    module.write_text("")
    monkeypatch.setattr(driving, "CODE", (tmp_path,))
    driver = Driver()
    assert driver.refuses({"application": JOB, "environment": {}}) == ""
    os.utime(module, ns=(time.time_ns(), time.time_ns() + 1))
    assert driver.outdated
    assert "older than the project's" in driver.refuses({"application": JOB, "environment": {}})


def test_a_driver_that_dies_during_the_job_is_an_error(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        listening.listen()

        def dies() -> None:
            connection, _ = listening.accept()
            with connection, connection.makefile("rw") as lines:
                lines.write('{"free": true}\n')
                lines.flush()
                lines.readline()

        thread = threading.Thread(target=dies)
        thread.start()
        with pytest.raises(SystemUnavailable, match="died during the job"):
            Standby(f"unix://{tmp_path / 's'}").run(Job(JOB, []), str)
        thread.join(WITHIN_S)


@pytest.mark.parametrize(
    ("spark_reports_lineage", "there", "submits"),
    [(True, True, True), (True, False, True), (False, True, False), (False, False, True)],
)
def test_a_task_has_its_job_done_once(
    monkeypatch: pytest.MonkeyPatch, spark_reports_lineage: bool, there: bool, submits: bool
) -> None:
    """By the standing driver where it is there and may be asked, else by one of its own; never by none, never by both."""
    done = list[str]()
    operator = LakeJobOperator(task_id="t", job="j", application=JOB)
    monkeypatch.setattr(LakeJobOperator, "spark_reports_lineage", spark_reports_lineage)
    monkeypatch.setattr(operator, "_stood_by", lambda arguments: there and (done.append("standing") or True))
    monkeypatch.setattr(operator, "_submit", lambda context, arguments: done.append("own"))
    operator.execute({})
    assert done == (["own"] if submits else ["standing"])


def test_a_driver_of_its_own_inherits_no_secret_of_airflows(monkeypatch: pytest.MonkeyPatch) -> None:
    given = dict[str, Any]()

    class Hook:
        def __init__(self, **options: Any) -> None:
            given.update(options)

        def submit(self, _: str) -> None:
            pass

    monkeypatch.setattr("airflow.providers.apache.spark.hooks.spark_submit.SparkSubmitHook", Hook)
    monkeypatch.setattr(
        "airflow.providers.openlineage.utils.spark.inject_parent_job_information_into_spark_properties",
        lambda conf, _: conf,
    )
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "secret")
    operator = LakeJobOperator(task_id="t", job="j", application=JOB)
    monkeypatch.setattr(operator, "environment", lambda: {"HEADRACE_SPARK_CONF": "{}"})
    monkeypatch.setattr(operator, "_conf", dict)
    monkeypatch.setattr(operator, "_archive", lambda: SimpleNamespace(keep=lambda: None))
    operator._submit({}, [])  # type: ignore[arg-type]
    assert given["env_vars"]["AIRFLOW__CORE__FERNET_KEY"] == ""
    assert given["env_vars"]["HEADRACE_SPARK_CONF"] == "{}"
    assert "secret" not in given["env_vars"].values()


HANGS = """
import sys, threading
sys.path[:0] = {path!r}
from include.spark.batch import standby
standby.ALIVE_S = 0.2
standby.Driver.run = lambda self, job: print("begun") or threading.Event().wait()
sys.exit(standby.main([{place!r}]))
"""


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A driver in a process of its own, whose jobs never end, and its socket."""
    place, root = tmp_path / "s", driving.PROJECT
    script = HANGS.format(path=[str(root), str(root / "plugins")], place=str(place))
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + WITHIN_S
        while not place.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield process, place
    finally:
        process.kill()
        process.wait(WITHIN_S)


def test_a_task_that_hangs_up_ends_the_job_and_its_process(hanging: tuple[subprocess.Popen[bytes], Path]) -> None:
    process, place = hanging
    assert place.stat().st_mode & 0o077 == 0
    task = Standby(f"unix://{place}")
    with pytest.raises(SystemUnavailable):
        task.run(Job(JOB, []), lambda line: task.end())
    assert process.wait(WITHIN_S) == 1


def test_a_frozen_driver_is_given_up_and_a_silent_job_is_not(hanging: tuple[subprocess.Popen[bytes], Path]) -> None:
    process, place = hanging
    pulse, silent_s = place.with_suffix(".pulse"), 1.5
    first = list[int]()

    def freeze() -> None:
        deadline = time.monotonic() + 2 * silent_s  # the job says nothing, for longer than it may
        while time.monotonic() < deadline:
            first.append(pulse.stat().st_mtime_ns)
            time.sleep(0.05)
        process.send_signal(signal.SIGSTOP)

    freezing = threading.Thread(target=freeze)
    with pytest.raises(SystemUnavailable, match="sent nothing for 2 s"):
        Standby(f"unix://{place}", silent_s=silent_s).run(Job(JOB, []), lambda line: freezing.start())
    freezing.join(WITHIN_S)
    assert len(set(first)) > 3
    assert process.poll() is None
