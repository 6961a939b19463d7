"""Service of the schema registry: Apicurio with its schemas in PostgreSQL."""

from __future__ import annotations

from include.stack.install import registry_java
from include.stack.logins import REGISTRY_USERS
from include.stack.services.probes import http_answers
from include.stack.services.process import Process
from include.stack.services.service import Service
from include.stack.settings import Settings


def service(s: Settings) -> Service:
    """Return the service."""
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
        **_users(s),
    }
    jar = str(s.lib / "registry" / "quarkus-run.jar")
    command = (str(registry_java()), "-Xms64m", f"-Xmx{s['HEADRACE_MEMORY_REGISTRY']}", "-XX:+UseSerialGC", "-jar", jar)
    url = f"http://{s.bind}:{s.port('REGISTRY')}/apis/ccompat/v7/subjects"
    auth = ("headrace", s["HEADRACE_PASSWORD_REGISTRY"])
    return Service(Process("registry", command, environ), lambda: http_answers(url, auth=auth), needs=("postgres",))


def _users(s: Settings) -> dict[str, str]:
    """Return the users as Quarkus's embedded realm: https://quarkus.io/guides/security-properties#embedded-realm"""
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
