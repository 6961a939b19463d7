"""Who logs in to Kafka and to the schema registry: each user, and the setting that holds its password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headrace.systems.kafka.login import SCRAM, login
from include.stack.settings import Settings

BROKER: Final = "broker"
"""Who the broker is to itself, and who makes the others. It logs in by PLAIN: its password stands in the broker's own file,
since those of SCRAM are in the log that the broker opens only then."""
KAFKA_PASSWORDS: Final[Mapping[str, str]] = {
    BROKER: "HEADRACE_PASSWORD_KAFKA_BROKER",
    "headrace": "HEADRACE_PASSWORD_KAFKA",
    "connect": "HEADRACE_PASSWORD_KAFKA_CONNECT",
    "streams": "HEADRACE_PASSWORD_KAFKA_STREAMS",
}
"""User of Kafka → setting of the password."""
REGISTRY_USERS: Final[Mapping[str, tuple[str, str]]] = {
    "headrace": ("HEADRACE_PASSWORD_REGISTRY", "sr-admin"),
    "connect": ("HEADRACE_PASSWORD_REGISTRY_CONNECT", "sr-developer"),
    "streams": ("HEADRACE_PASSWORD_REGISTRY_STREAMS", "sr-readonly"),
}
"""User of the schema registry → setting of the password, and Apicurio's role."""


def kafka_options(s: Settings, user: str = "headrace") -> dict[str, str]:
    """librdkafka's options of a client that logs in as this user."""
    mechanism = "PLAIN" if user == BROKER else SCRAM
    return {
        "bootstrap.servers": f"{s.bind}:{s.port('KAFKA')}",
        **login(user, s[KAFKA_PASSWORDS[user]], mechanism),
    }
