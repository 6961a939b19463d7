"""Standby Spark driver for batch jobs, with a warm JVM, session and imports.

    python include/spark/batch/standby.py <socket>

Tasks submit jobs with `headrace.systems.spark.standby`. The driver runs one job at a time. It creates its session for
the first job and exits after IDLE_S without a job. It also exits after a failed job, a disconnected task or a change of
the code. The supervisor then starts a new process.

    HEADRACE_SPARK_CONF, HEADRACE_PLATFORM_JDBC, HEADRACE_TOKEN_KEY   as set by `LakeJobOperator`
    HEADRACE_SPARK_JARS, HEADRACE_SPARK_MEMORY                        jars and heap
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final, TextIO

PROJECT: Final = Path(__file__).parents[3]
JOBS: Final = Path(__file__).parent
CODE: Final = (PROJECT / "include" / "spark", PROJECT / "plugins" / "headrace")
IDLE_S: Final = 600.0
REQUEST_WITHIN_S: Final = 10.0
ALIVE_S: Final = 5.0
"""Seconds between two heartbeats: to the task of the running job, and in a file next to the socket."""

SENDING: Final = threading.Lock()


class Lines:
    """Output stream of the process; while a job runs, each complete line is also sent to its task.

    All jobs share one object, because modules imported by the first job may keep a reference to it.
    """

    def __init__(self, out: TextIO) -> None:
        self._out, self._rest = out, ""
        self.send: Callable[[str], None] | None = None

    def write(self, text: str) -> int:
        """Write the text, and send its complete lines to the task."""
        *whole, self._rest = (self._rest + text).split("\n")
        for line in whole if self.send else ():
            self.send(line)  # type: ignore[misc]
        return self._out.write(text)

    def flush(self) -> None:
        """Flush the output; an incomplete line is not sent to the task."""
        self._out.flush()


class Driver:
    """Spark session of this process, and the code version it was started with."""

    def __init__(self) -> None:
        self._code = newest(CODE)
        self._session: Any = None

    @property
    def idle_s(self) -> float | None:
        """Seconds to wait for the next job; None without a session: no limit."""
        return None if self._session is None else IDLE_S

    @property
    def outdated(self) -> bool:
        """Whether the project's code has changed since this process started."""
        return newest(CODE) != self._code

    def refuses(self, job: Mapping[str, Any]) -> str:
        """Return why this driver cannot run a job; empty if it can."""
        if self.outdated:
            return "its code is older than the project's; it will be restarted for the next job"
        if JOBS not in Path(job["application"]).resolve().parents:
            return f"{job['application']} is not in {JOBS}"
        other = [name for name, value in job["environment"].items() if os.environ.get(name) != value]
        return f"it was started with a different {', '.join(other)}: restart it" if other else ""

    def answer(self) -> None:
        """Call the JVM, if there is one, and return when it has answered."""
        if self._session is not None:
            self._session.sparkContext._jvm.java.lang.System.nanoTime()

    def run(self, job: Mapping[str, Any]) -> int:
        """Run a job and return its exit code."""
        if self._session is None:
            self._session = make_session()
        for name, value in job["conf"].items():
            self._session.conf.set(name, value)
        path = Path(job["application"]).resolve().relative_to(PROJECT).with_suffix("")
        try:
            return int(importlib.import_module(".".join(path.parts)).main(list(job["arguments"])))
        finally:
            self._session.catalog.clearCache()
            self._session.catalog.setCurrentCatalog("spark_catalog")


def make_session() -> Any:
    """Create the session shared by all jobs. Secrets are passed to the JVM by its connection, not its command line."""
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    from headrace.systems.spark.archive import ClassArchive
    from headrace.systems.spark.job import LONG_JVM, batch_conf
    from include.spark.batch.session import keep, lake_conf

    jars = Path(os.environ["HEADRACE_SPARK_JARS"])
    start = {
        **batch_conf(jars),
        "spark.master": "local[2]",
        "spark.app.name": "standby",
        "spark.driver.memory": os.environ["HEADRACE_SPARK_MEMORY"],
        "spark.driver.extraJavaOptions": f"{ClassArchive(jars).reading()} {LONG_JVM}".strip(),
        "spark.sql.ui.retainedExecutions": "5",
    }
    gateway = launch_gateway(SparkConf(loadDefaults=False).setAll(list(start.items())))  # type: ignore[no-untyped-call]
    conf = SparkConf().setAll([*start.items(), *lake_conf().items()])
    SparkContext(conf=conf, gateway=gateway)
    session = SparkSession.builder.getOrCreate()
    keep(session)
    return session


def newest(folders: Iterable[Path]) -> int:
    """Return the latest modification time of the Python files, in ns since 1970."""
    return max(path.stat().st_mtime_ns for folder in folders for path in folder.rglob("*.py"))


class Pulse:
    """Heartbeat of a driver whose JVM answers: touches a file and notifies the task of the running job."""

    def __init__(self, driver: Driver, place: Path) -> None:
        self._driver = driver
        self._file = place.with_suffix(".pulse")
        self.send: Callable[[], None] | None = None

    def beat(self) -> None:
        """Send one heartbeat after the JVM has answered."""
        self._driver.answer()
        self._file.touch(mode=0o600)
        if send := self.send:
            with suppress(OSError, ValueError):  # the connection was closed meanwhile
                send()

    def run(self) -> None:
        """Send heartbeats while the JVM answers; without heartbeats the watchdog ends this process."""
        while True:
            self.beat()
            time.sleep(ALIVE_S)


def serve(connection: socket.socket, driver: Driver, output: Lines, pulse: Pulse) -> bool:
    """Handle one connection; return whether this process can accept another."""
    with connection.makefile("rw") as lines:
        connection.settimeout(REQUEST_WITHIN_S)
        _send(lines, free=True)
        request = lines.readline()
        if not request:  # the task disconnected while it waited
            return True
        job = json.loads(request)
        if why := driver.refuses(job):
            _send(lines, refused=why)
            return not driver.outdated
        connection.settimeout(None)
        done = threading.Event()
        threading.Thread(target=_end_with, args=(connection, done), daemon=True).start()
        output.send = lambda line: _send(lines, said=line)
        pulse.send = lambda: _send(lines, alive=True)
        try:
            code = driver.run(job)
        except Exception:
            print(traceback.format_exc())
            code = 1
        finally:
            output.send = pulse.send = None
        done.set()
        _send(lines, ended=code)
        return code == 0


def _end_with(connection: socket.socket, done: threading.Event) -> None:
    """Exit the process if the task disconnects before its job is done; the task sends nothing while the job runs."""
    with suppress(OSError):
        connection.recv(1)
    if not done.is_set():
        os._exit(1)


def _send(lines: IO[str], **message: Any) -> None:
    with SENDING:  # the job's output and the heartbeats come from different threads
        lines.write(f"{json.dumps(message)}\n")
        lines.flush()


def main(arguments: list[str]) -> int:
    """Serve jobs on the socket; return 0 when the process must be restarted."""
    from headrace.systems.spark.standby import peer_user

    place = Path(arguments[0])
    place.unlink(missing_ok=True)
    driver, output = Driver(), Lines(sys.stdout)
    pulse = Pulse(driver, place)
    threading.Thread(target=pulse.run, daemon=True).start()
    sys.stdout = output
    with socket.socket(socket.AF_UNIX) as listening:
        os.umask(0o077)
        listening.bind(str(place))
        listening.listen(8)
        while True:
            listening.settimeout(driver.idle_s)
            try:
                connection, _ = listening.accept()
                with connection:
                    if peer_user(connection) != os.geteuid():
                        continue
                    if not serve(connection, driver, output, pulse):
                        return 0
            except TimeoutError:
                return 0
            except (OSError, ValueError) as broken:
                print(f"connection to a task failed: {broken}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
