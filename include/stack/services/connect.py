"""Service of Kafka Connect: one worker for sources and sinks."""

from __future__ import annotations

from typing import Final

from headrace.systems.kafka.login import scram_jaas
from include.stack.services.java import java
from include.stack.services.probes import http_answers
from include.stack.services.process import CAPTURE
from include.stack.services.service import Service
from include.stack.settings import Settings

SECRETS: Final = (
    "HEADRACE_PASSWORD_CDC",
    "HEADRACE_PASSWORD_LAKE_DB",
    "HEADRACE_PASSWORD_REGISTRY_CONNECT",
    "HEADRACE_S3_ACCESS_KEY",
    "HEADRACE_S3_SECRET_KEY",
)
"""Secrets that connector configurations reference as `${env:NAME}`."""


def service(s: Settings) -> Service:
    """Return the service of the worker."""
    flags = (
        "-XX:+UseParallelGC", "-XX:ParallelGCThreads=2", "-Daws.region=us-east-1",
        f"-Djava.security.auth.login.config={s.run / 'connect-jaas.conf'}",
    )  # fmt: skip
    main = ("org.apache.kafka.connect.cli.ConnectDistributed", str(s.run / "connect.properties"))
    logins = {
        "HEADRACE_CATALOG_CREDENTIAL": f"{s['HEADRACE_S3_ACCESS_KEY']}:{s['HEADRACE_S3_SECRET_KEY']}",
        "HEADRACE_KAFKA_JAAS": scram_jaas("connect", s["HEADRACE_PASSWORD_KAFKA_CONNECT"]),
    }
    process = java(
        s, "connect", main, s["HEADRACE_MEMORY_CONNECT"], flags, {name: s[name] for name in SECRETS} | logins, CAPTURE
    )
    url, auth = f"http://{s.bind}:{s.port('CONNECT')}/connectors", ("headrace", s["HEADRACE_PASSWORD_CONNECT"])
    return Service(process, lambda: http_answers(url, auth=auth), needs=("kafka",))
