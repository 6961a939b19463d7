"""Processes that run a Java class of the Kafka distribution."""

from __future__ import annotations

from collections.abc import Mapping

from include.stack.install import java_home
from include.stack.services.process import Process
from include.stack.settings import Settings


def java(
    s: Settings, name: str, main: tuple[str, ...], memory: str, flags: tuple[str, ...],
    environ: Mapping[str, str] | None = None, nice: int = 0,
) -> Process:  # fmt: skip
    """Return the process of a main class with its arguments and a fixed heap size; it exits when out of memory."""
    command = (
        str(java_home() / "bin" / "java"), f"-Xms{memory}", f"-Xmx{memory}", *flags, "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true", f"-Dlog4j2.configurationFile={s.run / 'log4j2.yaml'}",
        "-cp", f"{s.lib / 'kafka'}/*", *main,
    )  # fmt: skip
    return Process(name, command, environ or {}, nice=nice)
