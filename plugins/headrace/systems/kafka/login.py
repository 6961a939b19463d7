"""Login options of Kafka clients, for librdkafka and for Java."""

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
    """Return librdkafka's options for a user and password, over a connection without TLS."""
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": mechanism,
        "sasl.username": user,
        "sasl.password": password,
    }


def as_java(options: Mapping[str, str]) -> dict[str, str]:
    """Convert librdkafka's options to those of a Java client, which has user and password in a JAAS line.

    https://kafka.apache.org/documentation/#security_sasl_jaasconfig
    """
    java = {name: value for name, value in options.items() if name not in ("sasl.username", "sasl.password")}
    module = _MODULES.get(options.get("sasl.mechanism", ""))
    if module and "sasl.username" in options:
        java["sasl.jaas.config"] = jaas(module, username=options["sasl.username"], password=options["sasl.password"])
    return java


def scram_jaas(user: str, password: str) -> str:
    """Return the JAAS line of a Java client that logs in with SCRAM."""
    return jaas(_MODULES[SCRAM], username=user, password=password)


def plain_jaas(user: str, password: str) -> str:
    """Return the JAAS line of a server that accepts only this user, and uses it to log in to other servers."""
    return jaas(_MODULES["PLAIN"], username=user, password=password, **{f"user_{user}": password})


def jaas(module: str, **options: str) -> str:
    """Return a JAAS line: the module, and its options in quotes."""
    quoted = (f'{name}="{_quoted(value)}"' for name, value in options.items())
    return f"{module} required {' '.join(quoted)};"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
