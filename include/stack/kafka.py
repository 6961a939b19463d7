"""Kafka's log folder, who may log in to the broker, and what each may do there."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Mapping
from typing import Final

from headrace.systems.endpoint import Endpoint
from headrace.systems.kafka import access
from headrace.systems.kafka.access import Grant
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.kafka.login import SCRAM, login
from headrace.systems.text import one_line
from include.stack.install import java_home
from include.stack.settings import Settings
from include.stack.steps import AGAIN, StepFailed

BROKER: Final = "broker"
"""Who the broker is to itself, and who makes the others. It logs in by PLAIN: its password stands in the broker's own file,
since those of SCRAM are in the log that the broker opens only then."""
PASSWORDS: Final[Mapping[str, str]] = {
    BROKER: "HEADRACE_PASSWORD_KAFKA_BROKER",
    "headrace": "HEADRACE_PASSWORD_KAFKA",
    "connect": "HEADRACE_PASSWORD_KAFKA_CONNECT",
    "streams": "HEADRACE_PASSWORD_KAFKA_STREAMS",
}
"""User → setting of the password."""


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
"""What each may do; the broker's own user may everything."""


def options(s: Settings, user: str = "headrace") -> dict[str, str]:
    """librdkafka's options of a client that logs in as this user."""
    mechanism = "PLAIN" if user == BROKER else SCRAM
    return {
        "bootstrap.servers": f"{s.bind}:{s.port('KAFKA')}",
        **login(user, s[PASSWORDS[user]], mechanism),
    }


def format_folder(s: Settings) -> None:
    """Give the broker's log folder its cluster id, once."""
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
    """Make the users and what they may do; idempotent. Raises SystemUnavailable, SystemRefused."""
    passwords = {user: s[setting] for user, setting in PASSWORDS.items() if user != BROKER}
    access.make_users(KafkaHook(Endpoint(extra=options(s, BROKER))), passwords, GRANTS)
