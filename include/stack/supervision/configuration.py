"""Render the configuration files of every process from templates, with mode 600 because they contain secrets."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from headrace.systems.kafka.login import plain_jaas
from include.stack.install import BROKER_JARS, OTHER_JARS, wanted_clickhouse, wanted_jars
from include.stack.logins import BROKER, KAFKA_PASSWORDS
from include.stack.private import write_private
from include.stack.services.catalogue import definitions
from include.stack.services.process import Process
from include.stack.services.streams import PREFIX, program, stream_process
from include.stack.settings import KEPT, Settings
from include.stack.sockets import socket_path
from include.stack.supervision.stream_programs import PLACE

TEMPLATES = Path(__file__).parent / "templates"
SUPERVISORS = {"supervisord.conf.j2", "stream-program.conf.j2"}
"""Templates of the supervisor's files."""


def write(settings: Settings) -> None:
    """Render every template into the instance's run folder; unchanged files are not rewritten."""
    for folder in (settings.data, settings.logs, settings.run):
        folder.mkdir(parents=True, exist_ok=True)
    write_private(settings.run / KEPT, json.dumps(dict(settings.values)))
    environment = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701 - no HTML
    environment.globals["sha256"] = lambda text: hashlib.sha256(text.encode()).hexdigest()
    files = _packages(settings.lib)
    values = {**_values(settings), "fingerprint": lambda process: fingerprint(_started(settings, process), files)}
    # The supervisor's files come last: their fingerprints depend on the content of the others.
    for name in sorted((path.name for path in TEMPLATES.glob("*.j2")), key=lambda name: (name in SUPERVISORS, name)):
        path = settings.run / name.removesuffix(".j2")
        files[str(path)] = environment.get_template(name).render(values)
        write_private(path, files[str(path)])


def _packages(lib: Path) -> dict[str, str]:
    """Return folder of jars or engine → its version; a process that uses the folder restarts when it changes.

    The versions are those to install: the folder itself may not be there yet.
    """
    versions = {
        **dict.fromkeys((*BROKER_JARS.folders, *OTHER_JARS.folders), wanted_jars()),
        "clickhouse": wanted_clickhouse(),
    }
    return {str(lib / name): version for name, version in versions.items()}


def _started(settings: Settings, process: Process) -> Process:
    """Return the process to fingerprint. All stream groups share one, so that later groups get the same definition."""
    return stream_process(settings, PLACE) if process.name.startswith(PREFIX) else process


def fingerprint(process: Process, files: Mapping[str, str]) -> str:
    """Return a hash of a process's command, its environment, and the files (path → text) that they reference.

    The supervisor restarts a process whose definition has changed, so a setting takes effect at the next `up`.
    """
    environ = [f"{name}={value}" for name, value in sorted(process.environ.items()) if name != "PATH"]
    content = "\n".join((*process.command, *environ))
    used = set[str]()
    while more := {path for path in files if path in content} - used:
        used |= more
        content += "".join(f"\n{files[path]}" for path in sorted(more))
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _values(settings: Settings) -> dict[str, object]:
    prefix = "HEADRACE_"
    memory = {n.removeprefix("HEADRACE_MEMORY_"): v for n, v in settings.values.items() if "_MEMORY_" in n}
    return {
        "bind": settings.bind,
        "ports": settings.ports(),
        "data": settings.data,
        "logs": settings.logs,
        "run": settings.run,
        "lib": settings.lib,
        "root": settings.root,
        "python": sys.executable,
        "socket": socket_path(settings),
        "airflow_user": settings["HEADRACE_AIRFLOW_USER"],
        "secrets": {name.removeprefix(prefix): value for name, value in settings.values.items()},
        # A properties file needs a doubled backslash.
        "broker_jaas": plain_jaas(BROKER, settings[KAFKA_PASSWORDS[BROKER]]).replace("\\", "\\\\"),
        "memory_bytes": {name: _bytes(value) for name, value in memory.items()},
        "processes": definitions(settings),
        "stream_program": program(PLACE),
    }


def _bytes(value: str) -> int:
    return int(value[:-1]) * {"m": 1 << 20, "g": 1 << 30}[value[-1]]
