"""Users of Kafka and the schema registry, and the setting that holds each password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headrace.systems.kafka.login import SCRAM, login
from include.stack.settings import Settings

BROKER: Final = "broker"
"""User of the broker itself; it creates the other users. It logs in by PLAIN with the password in the broker's file,
because the broker reads SCRAM credentials from its log, which is not open at that point."""
KAFKA_PASSWORDS: Final[Mapping[str, str]] = {
    BROKER: "HEADRACE_PASSWORD_KAFKA_BROKER",
    "headrace": "HEADRACE_PASSWORD_KAFKA",
    "connect": "HEADRACE_PASSWORD_KAFKA_CONNECT",
    "streams": "HEADRACE_PASSWORD_KAFKA_STREAMS",
}
"""Kafka user → setting of its password."""
REGISTRY_USERS: Final[Mapping[str, tuple[str, str]]] = {
    "headrace": ("HEADRACE_PASSWORD_REGISTRY", "sr-admin"),
    "connect": ("HEADRACE_PASSWORD_REGISTRY_CONNECT", "sr-developer"),
    "streams": ("HEADRACE_PASSWORD_REGISTRY_STREAMS", "sr-readonly"),
}
"""Schema registry user → setting of its password, and its Apicurio role."""


def kafka_options(s: Settings, user: str = "headrace") -> dict[str, str]:
    """Return the librdkafka options for a client that logs in as this user."""
    mechanism = "PLAIN" if user == BROKER else SCRAM
    return {
        "bootstrap.servers": f"{s.bind}:{s.port('KAFKA')}",
        **login(user, s[KAFKA_PASSWORDS[user]], mechanism),
    }
