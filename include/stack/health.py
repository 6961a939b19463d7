"""Is it up? One check a server: it answers its own protocol, not merely an open port."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg

from include.stack import kafka
from include.stack.databases import superuser_dsn
from include.stack.process import STANDBY
from include.stack.settings import Settings
from include.stack.sockets import socket_path
from include.stack.steps import AGAIN

Check = Callable[[], bool]
PULSE_S: Final = 20.0
"""Most seconds since the last sign of life of the Spark driver that stands by: four of its intervals."""


class NotHealthy(Exception):
    """A server did not become healthy in time; the message says which and where its log is."""


def checks(s: Settings) -> Mapping[str, Check]:
    """Health checks by process name; a check never raises."""
    base = f"http://{s.bind}"
    return {
        "postgres": lambda: _postgres(s),
        "seaweedfs": lambda: _port(s, "S3") and _http(f"{base}:{s.port('CATALOG')}/v1/config", (200, 401, 403)),
        "minio": lambda: _http(f"{base}:{s.port('S3')}/minio/health/live", (200,)),
        "kafka": lambda: _kafka(s),
        "clickhouse": lambda: _http(f"{base}:{s.port('CLICKHOUSE')}/ping", (200,)),
        "registry": lambda: _registry(s),
        "connect": lambda: _connect(s),
        "lineage": lambda: _http(f"{base}:{s.port('LINEAGE')}/healthz", (200,)),
        "airflow-api": lambda: _http(f"{base}:{s.port('AIRFLOW')}/api/v2/monitor/health", (200,)),
        "airflow-scheduler": lambda: _airflow(s, "scheduler"),
        "airflow-dag-processor": lambda: _airflow(s, "dag_processor"),
        "airflow-triggerer": lambda: _airflow(s, "triggerer"),
        STANDBY: lambda: _pulse(socket_path(s, STANDBY).with_suffix(".pulse")),
    }


def wait(s: Settings, name: str, seconds: float) -> float:
    """Wait until a process is healthy; returns the seconds it took.

    Raises:
        NotHealthy: it was not within `seconds`.
    """
    check, began = checks(s)[name], time.monotonic()
    while not check():
        if time.monotonic() - began > seconds:
            raise NotHealthy(f"{name} does not answer after {seconds:.0f} s; see {s.logs / name}.log, {AGAIN}")
        time.sleep(0.25)
    return time.monotonic() - began


def _postgres(s: Settings) -> bool:
    try:
        psycopg.connect(superuser_dsn(s), connect_timeout=2).close()
    except psycopg.Error:
        return False
    return True


def _kafka(s: Settings) -> bool:
    if not _port(s, "KAFKA"):
        return False
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    try:
        # The broker's own user is there before any other.
        quiet: dict[str, Any] = {**kafka.options(s, kafka.BROKER), "log_level": 0, "socket.timeout.ms": 3000}
        return bool(AdminClient(quiet).list_topics(timeout=3).brokers)
    except KafkaException:
        return False


def _registry(s: Settings) -> bool:
    auth = ("headrace", s["HEADRACE_PASSWORD_REGISTRY"])
    return _http(f"http://{s.bind}:{s.port('REGISTRY')}/apis/ccompat/v7/subjects", (200,), auth)


def _connect(s: Settings) -> bool:
    auth = ("headrace", s["HEADRACE_PASSWORD_CONNECT"])
    return _http(f"http://{s.bind}:{s.port('CONNECT')}/connectors", (200,), auth)


def _airflow(s: Settings, part: str) -> bool:
    try:
        health = _client().get(f"http://{s.bind}:{s.port('AIRFLOW')}/api/v2/monitor/health").json()
    except (httpx.HTTPError, ValueError):
        return False
    return bool(health.get(part, {}).get("status") == "healthy")


def _http(url: str, accepted: tuple[int, ...], auth: tuple[str, str] | None = None) -> bool:
    try:
        return _client().get(url, auth=auth).status_code in accepted
    except httpx.HTTPError:
        return False


@cache
def _client() -> httpx.Client:
    """One for all checks: making one reads the certificates of all authorities, the watchdog's dearest step by far.

    It keeps no connection: one that a dead process has left behind would count as no answer.
    """
    return httpx.Client(timeout=5, limits=httpx.Limits(max_keepalive_connections=0))


def _pulse(file: Path) -> bool:
    """Return whether the process has touched the file lately."""
    try:
        return time.time() - file.stat().st_mtime < PULSE_S
    except OSError:
        return False


def _port(s: Settings, name: str) -> bool:
    try:
        socket.create_connection((s.bind, s.port(name)), timeout=1).close()
    except OSError:
        return False
    return True
