"""Service of Kafka, its log folder, its users and their permissions."""

from __future__ import annotations

import subprocess
import uuid
from typing import Any, Final

from headrace.systems.endpoint import Endpoint
from headrace.systems.kafka import access
from headrace.systems.kafka.access import Grant
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.text import one_line
from include.stack.install import java_home
from include.stack.logins import BROKER, KAFKA_PASSWORDS, kafka_options
from include.stack.services.java import java
from include.stack.services.probes import port_open
from include.stack.services.service import Service
from include.stack.settings import Settings
from include.stack.steps import AGAIN, StepFailed

FLAGS: Final = ("-XX:+UseG1GC", "-XX:MaxGCPauseMillis=50", "-XX:ParallelGCThreads=2", "-XX:ConcGCThreads=1")
GRANTS: Final = (
    Grant("headrace", "TOPIC", "*", ("ALL",)),
    Grant("headrace", "GROUP", "*", ("ALL",)),
    Grant("headrace", "TRANSACTIONAL_ID", "*", ("ALL",)),
    Grant("headrace", "BROKER", "kafka-cluster", ("DESCRIBE", "DESCRIBE_CONFIGS")),
    Grant("connect", "TOPIC", "*", ("READ", "WRITE", "CREATE", "DESCRIBE_CONFIGS")),
    Grant("connect", "GROUP", "*", ("READ", "DESCRIBE", "DELETE")),
    Grant("connect", "TRANSACTIONAL_ID", "*", ("WRITE", "DESCRIBE")),
    Grant("connect", "BROKER", "kafka-cluster", ("DESCRIBE",)),
    Grant("streams", "TOPIC", "*", ("READ", "DESCRIBE_CONFIGS")),
    Grant("streams", "TOPIC", "dead-letter.", ("WRITE",), prefix=True),
    Grant("streams", "GROUP", "*", ("READ",)),
)
"""Permissions of each user; the user `broker` is a superuser."""


def service(s: Settings) -> Service:
    """Return the service of the broker, which is also the controller."""
    main = ("kafka.Kafka", str(s.run / "kafka.properties"))
    return Service(java(s, "kafka", main, s["HEADRACE_MEMORY_KAFKA"], FLAGS), lambda: _answers(s))


def format_folder(s: Settings) -> None:
    """Format the broker's log folder with a cluster id; idempotent. Raises StepFailed."""
    if (s.data / "kafka" / "meta.properties").exists():
        return
    cluster = uuid.uuid4().hex[:22]
    command = [
        str(java_home() / "bin" / "java"), "-XX:TieredStopAtLevel=1", "-cp", f"{s.lib / 'kafka'}/*",
        "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(s.run / "kafka.properties"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise StepFailed(f"could not format Kafka's log folder: {one_line(done.stdout + done.stderr)}; {AGAIN}")


def make_users(s: Settings) -> None:
    """Create the users and their permissions; idempotent. Raises SystemUnavailable, SystemRefused."""
    passwords = {user: s[setting] for user, setting in KAFKA_PASSWORDS.items() if user != BROKER}
    access.make_users(KafkaHook(Endpoint(extra=kafka_options(s, BROKER))), passwords, GRANTS)


def _answers(s: Settings) -> bool:
    if not port_open(s.bind, s.port("KAFKA")):
        return False
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    try:
        # The user `broker` exists before all others.
        quiet: dict[str, Any] = {**kafka_options(s, BROKER), "log_level": 0, "socket.timeout.ms": 3000}
        return bool(AdminClient(quiet).list_topics(timeout=3).brokers)
    except KafkaException:
        return False
