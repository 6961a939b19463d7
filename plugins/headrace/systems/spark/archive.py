"""A class-data archive for the JVM of batch jobs: it takes seconds off every start.

The first job that ends leaves it beside the jars; later ones read it. The JVM does without one that does not fit its
version or class path. https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

NAME: Final = "batch.jsa"
QUIET: Final = "-Xlog:disable -Xlog:all=error:stderr"
"""Hundreds of classes cannot be archived, and the JVM would tell of each."""


class ClassArchive:
    """The archive of one folder of jars."""

    def __init__(self, jars: Path) -> None:
        self._place = jars / NAME
        self._new = jars / f".{NAME}.{os.getpid()}"

    def reading(self) -> str:
        """The JVM's options to read the archive; empty where there is none."""
        return f"-XX:SharedArchiveFile={self._place} {QUIET}" if self._place.exists() else ""

    def option(self) -> str:
        """The JVM's options to read the archive, else to write one; empty where neither can be done."""
        writing = f"-XX:ArchiveClassesAtExit={self._new} {QUIET}" if os.access(self._place.parent, os.W_OK) else ""
        return self.reading() or writing

    def keep(self) -> None:
        """What a job has left becomes the archive; whole or not at all."""
        if self._new.exists():
            self._new.replace(self._place)
