"""The processes of the stack: one function each, giving what to run, with which environment."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from headrace.systems.kafka.login import scram_jaas
from include.stack.airflow import api_server, dag_processor, scheduler, triggerer
from include.stack.databases import role_dsn
from include.stack.install import POSTGRES_BIN, clickhouse_library, java_home, registry_java
from include.stack.process import WATCHDOG, Process
from include.stack.seaweedfs import security
from include.stack.settings import Settings
from include.stack.standby import standby_process
from include.stack.streams import stream_processes


def postgres(s: Settings) -> Process:
    data = s.data / "postgres"
    options = {
        "listen_addresses": s.bind, "port": s.port("POSTGRES"), "unix_socket_directories": "",
        "wal_level": "logical", "max_wal_senders": 10, "max_replication_slots": 10, "max_connections": 120,
        "shared_buffers": "256MB", "max_wal_size": "4GB", "wal_compression": "on",
        # A slot nobody reads may not fill the disk; the loss is detected and answered by a fresh snapshot.
        "max_slot_wal_keep_size": "16GB",
        "synchronous_commit": "on", "password_encryption": "scram-sha-256", "log_min_messages": "warning",
    }  # fmt: skip
    flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    return Process(
        "postgres", (str(POSTGRES_BIN / "postgres"), "-D", str(data), *flags), as_postgres=True, stop_signal="INT"
    )


def seaweedfs(s: Settings) -> Process:
    weed = str(Path(sys.executable).parent / "weed")
    # Everything else stands in a file of mode 600, because the admin password is among it.
    command = (weed, "-logtostderr=true", "mini", f"-options={s.run / 'seaweedfs.options'}")
    environ = {"GOMEMLIMIT": _go_size(s["HEADRACE_MEMORY_SEAWEEDFS"]), **security(s)}
    return Process("seaweedfs", command, environ)


def minio(s: Settings) -> Process:
    command = ("minio", "server", str(s.data / "minio"), "--address", f"{s.bind}:{s.port('S3')}",
               "--console-address", f"{s.bind}:{s.port('WEED')}")  # fmt: skip
    keys = {"MINIO_ROOT_USER": s["HEADRACE_S3_ACCESS_KEY"], "MINIO_ROOT_PASSWORD": s["HEADRACE_S3_SECRET_KEY"]}
    return Process("minio", command, keys)


def kafka(s: Settings) -> Process:
    flags = ("-XX:+UseG1GC", "-XX:MaxGCPauseMillis=50", "-XX:ParallelGCThreads=2", "-XX:ConcGCThreads=1")
    return _java(s, "kafka", ("kafka.Kafka", str(s.run / "kafka.properties")), s["HEADRACE_MEMORY_KAFKA"], flags)


def connect(s: Settings) -> Process:
    flags = (
        "-XX:+UseParallelGC", "-XX:ParallelGCThreads=2", "-Daws.region=us-east-1",
        f"-Djava.security.auth.login.config={s.run / 'connect-jaas.conf'}",
    )  # fmt: skip
    main = ("org.apache.kafka.connect.cli.ConnectDistributed", str(s.run / "connect.properties"))
    secrets = {
        name: s[name]
        for name in (
            "HEADRACE_PASSWORD_CDC",
            "HEADRACE_PASSWORD_LAKE_DB",
            "HEADRACE_PASSWORD_REGISTRY_CONNECT",
            "HEADRACE_S3_ACCESS_KEY",
            "HEADRACE_S3_SECRET_KEY",
        )
    }
    logins = {
        "HEADRACE_CATALOG_CREDENTIAL": f"{s['HEADRACE_S3_ACCESS_KEY']}:{s['HEADRACE_S3_SECRET_KEY']}",
        "HEADRACE_KAFKA_JAAS": scram_jaas("connect", s["HEADRACE_PASSWORD_KAFKA_CONNECT"]),
    }
    return _java(s, "connect", main, s["HEADRACE_MEMORY_CONNECT"], flags, secrets | logins)


def registry(s: Settings) -> Process:
    home = s.lib / "registry"
    environ = {
        "APICURIO_STORAGE_KIND": "sql",
        "APICURIO_STORAGE_SQL_KIND": "postgresql",
        "APICURIO_DATASOURCE_URL": f"jdbc:postgresql://{s.bind}:{s.port('POSTGRES')}/registry",
        "APICURIO_DATASOURCE_USERNAME": "registry",
        "APICURIO_DATASOURCE_PASSWORD": s["HEADRACE_PASSWORD_REGISTRY_DB"],
        "APICURIO_DATASOURCE_JDBC_INITIAL_SIZE": "1",
        "APICURIO_DATASOURCE_JDBC_MIN_SIZE": "1",
        "APICURIO_DATASOURCE_JDBC_MAX_SIZE": "8",
        "QUARKUS_HTTP_HOST": s.bind,
        "QUARKUS_HTTP_PORT": str(s.port("REGISTRY")),
        "QUARKUS_MANAGEMENT_HOST": s.bind,
        "QUARKUS_MANAGEMENT_PORT": str(s.port("REGISTRY_MANAGEMENT")),
        "QUARKUS_HTTP_ACCESS_LOG_ENABLED": "false",
        "APICURIO_CCOMPAT_USE_CANONICAL_HASH": "true",
        "APICURIO_REST_DELETION_ARTIFACT_ENABLED": "true",
        **_registry_users(s),
    }
    jar = str(home / "quarkus-run.jar")
    command = (str(registry_java()), "-Xms64m", f"-Xmx{s['HEADRACE_MEMORY_REGISTRY']}", "-XX:+UseSerialGC", "-jar", jar)
    return Process("registry", command, environ)


REGISTRY_USERS: Mapping[str, tuple[str, str]] = {
    "headrace": ("HEADRACE_PASSWORD_REGISTRY", "sr-admin"),
    "connect": ("HEADRACE_PASSWORD_REGISTRY_CONNECT", "sr-developer"),
    "streams": ("HEADRACE_PASSWORD_REGISTRY_STREAMS", "sr-readonly"),
}
"""User of the schema registry → setting of the password, and Apicurio's role."""


def _registry_users(s: Settings) -> dict[str, str]:
    """Name who may ask, as Quarkus knows users of its own: https://quarkus.io/guides/security-properties#embedded-realm"""
    users = {
        f"QUARKUS_SECURITY_USERS_EMBEDDED_{part}_{user.upper()}": value
        for user, (setting, role) in REGISTRY_USERS.items()
        for part, value in (("USERS", s[setting]), ("ROLES", role))
    }
    return {
        "QUARKUS_HTTP_AUTH_BASIC": "true",
        "QUARKUS_SECURITY_USERS_EMBEDDED_PLAIN_TEXT": "true",
        "APICURIO_AUTH_ROLE_BASED_AUTHORIZATION": "true",
        **users,
    }


def clickhouse(s: Settings) -> Process:
    command = (
        sys.executable,
        "-m",
        "include.stack.clickhouse",
        str(s.run / "clickhouse.xml"),
        str(s.data / "clickhouse"),
    )
    return Process("clickhouse", command, {"HEADRACE_LIBCHDB": str(clickhouse_library(s.lib))}, stop_signal="INT")


def lineage(s: Settings) -> Process:
    command = (
        sys.executable, "-m", "uvicorn", "include.apps.lineage.app:app", "--host", s.bind,
        "--port", str(s.port("LINEAGE")), "--log-level", "warning", "--no-access-log",
    )  # fmt: skip
    environ = {
        "HEADRACE_PLATFORM_DSN": role_dsn(s, "lineage", "headrace"),
        "HEADRACE_LINEAGE_KEY": s["HEADRACE_LINEAGE_KEY"],
        "MARQUEZ_URL": s["HEADRACE_MARQUEZ_URL"],
    }
    return Process("lineage", command, environ)


def watchdog(s: Settings) -> Process:
    return Process(WATCHDOG, (sys.executable, "-m", "include.stack.watchdog"))


def _java(
    s: Settings, name: str, main: tuple[str, ...], memory: str, flags: tuple[str, ...] = (),
    environ: Mapping[str, str] | None = None,
) -> Process:  # fmt: skip
    command = (
        str(java_home() / "bin" / "java"), f"-Xms{memory}", f"-Xmx{memory}", *flags, "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true", f"-Dlog4j2.configurationFile={s.run / 'log4j2.yaml'}",
        "-cp", f"{s.lib / 'kafka'}/*", *main,
    )  # fmt: skip
    return Process(name, command, environ or {})


def _go_size(value: str) -> str:
    return value[:-1] + {"m": "MiB", "g": "GiB"}[value[-1]]


AIRFLOW = (api_server, scheduler, dag_processor, triggerer)


def definitions(s: Settings) -> tuple[Process, ...]:
    """Every process of this instance, in the order they start."""
    store = minio if s["HEADRACE_OBJECT_STORE"] == "minio" else seaweedfs
    makers = (postgres, store, kafka, clickhouse, registry, connect, lineage, *AIRFLOW, standby_process, watchdog)
    return (*(make(s) for make in makers), *stream_processes(s))
