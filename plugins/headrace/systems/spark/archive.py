"""Class-data archive for the JVM of batch jobs; it shortens every start by seconds.

The first job that ends writes it beside the jars, and later jobs read it. The JVM ignores an archive that does not fit
its version or class path. https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

NAME: Final = "batch.jsa"
QUIET: Final = "-Xlog:disable -Xlog:all=error:stderr"
"""JVM options that silence warnings: hundreds of classes cannot be archived, and the JVM would report each."""


class ClassArchive:
    """Class-data archive of one folder of jars."""

    def __init__(self, jars: Path) -> None:
        self._place = jars / NAME
        self._new = jars / f".{NAME}.{os.getpid()}"

    def reading(self) -> str:
        """Return the JVM options to read the archive; empty if there is none."""
        return f"-XX:SharedArchiveFile={self._place} {QUIET}" if self._place.exists() else ""

    def option(self) -> str:
        """Return the JVM options to read the archive, else to write one; empty if neither is possible."""
        writing = f"-XX:ArchiveClassesAtExit={self._new} {QUIET}" if os.access(self._place.parent, os.W_OK) else ""
        return self.reading() or writing

    def keep(self) -> None:
        """Publish the archive that a job has written, atomically."""
        if self._new.exists():
            self._new.replace(self._place)
