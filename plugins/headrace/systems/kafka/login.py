"""Who a client of Kafka is: as librdkafka's options say it, and the same for a client in Java."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SCRAM: Final = "SCRAM-SHA-512"
_MODULES: Final = {
    SCRAM: "org.apache.kafka.common.security.scram.ScramLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
}


def login(user: str, password: str, mechanism: str = SCRAM) -> dict[str, str]:
    """librdkafka's options for a user and password, over a connection without TLS."""
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": mechanism,
        "sasl.username": user,
        "sasl.password": password,
    }


def as_java(options: Mapping[str, str]) -> dict[str, str]:
    """librdkafka's options for a client in Java, which has user and password in a line of JAAS; the others stay.

    https://kafka.apache.org/documentation/#security_sasl_jaasconfig
    """
    java = {name: value for name, value in options.items() if name not in ("sasl.username", "sasl.password")}
    module = _MODULES.get(options.get("sasl.mechanism", ""))
    if module and "sasl.username" in options:
        java["sasl.jaas.config"] = jaas(module, username=options["sasl.username"], password=options["sasl.password"])
    return java


def scram_jaas(user: str, password: str) -> str:
    """The line of JAAS by which a client in Java logs in."""
    return jaas(_MODULES[SCRAM], username=user, password=password)


def plain_jaas(user: str, password: str) -> str:
    """The line of JAAS of a server that takes this user alone, and logs in to others of its kind as the same."""
    return jaas(_MODULES["PLAIN"], username=user, password=password, **{f"user_{user}": password})


def jaas(module: str, **options: str) -> str:
    """A line of JAAS: the module, and its options in quotes."""
    quoted = (f'{name}="{_quoted(value)}"' for name, value in options.items())
    return f"{module} required {' '.join(quoted)};"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
