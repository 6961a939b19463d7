"""The files of the image path, read once, and what the local stack says about the same servers."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from include.stack.settings import SETTINGS, Settings
from include.stack.supervision.configuration import TEMPLATES

ROOT = Path(__file__).parents[2]
STACK = ROOT / "include" / "stack"
VERSIONS: dict[str, dict[str, str]] = tomllib.loads((STACK / "versions.toml").read_text())
COMPOSE_TEXT = (ROOT / "docker-compose.override.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
AIRFLOW = ("api-server", "scheduler", "dag-processor", "triggerer")
OURS = {name: service for name, service in SERVICES.items() if name not in AIRFLOW}
AIRFLOW_SETTINGS: dict[str, Any] = yaml.safe_load((ROOT / "airflow_settings.yaml").read_text())["airflow"]
SECRETS = frozenset(s.name for s in SETTINGS if s.kind == "secret")
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)([^}]*)\}")


def local_settings() -> Settings:
    """The local stack's settings, with made-up secrets."""
    values = {s.name: f"secret of {s.name}" if s.kind == "secret" else s.default for s in SETTINGS if s.kind != "port"}
    here = Path("/somewhere")
    return Settings(ROOT, here, here, here / ".env", values)


def template(name: str) -> dict[str, str]:
    """`key=value` lines of a template of the local stack; a value that depends on the place is marked `<…>`."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined)
    ports = {s.name.removeprefix("HEADRACE_PORT_"): _Port() for s in SETTINGS if s.kind == "port"}
    secrets = {name.removeprefix("HEADRACE_"): f"<{name}>" for name in SECRETS}
    places = {name: f"<{name}>" for name in ("bind", "data", "logs", "run", "lib", "root", "broker_jaas")}
    text = environment.get_template(name).render(ports=ports, secrets=secrets, **places)
    return properties(text)


def properties(text: str) -> dict[str, str]:
    """A Java properties file, without its comments."""
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


class _Port:
    """A port of which only matters that it is one."""

    def __add__(self, _: int) -> _Port:
        return self

    def __str__(self) -> str:
        return "<port>"


def scalars(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every (path, text) inside a YAML value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from scalars(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from scalars(inner, f"{path}[{index}]")
    elif value is not None:
        yield path, str(value)
