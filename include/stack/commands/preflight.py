"""Check, before `./headrace up` starts anything, the operating system, free disk and memory, ports and the MinIO program."""

from __future__ import annotations

import platform
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil

from include.stack.settings import Settings
from include.stack.supervision.supervisor import Supervisor

NEEDED_MEMORY_GIB = 6.0
NEEDED_DISK_GIB = 8.0


def problems(s: Settings) -> list[str]:
    """Return all problems that prevent a start, one sentence each; empty if there are none."""
    running = Supervisor(s).is_up()
    return [*_platform(), *_disk(s.state), *([] if running else [*_memory(), *_ports(s), *_object_store(s)])]


def _platform() -> Iterator[str]:
    if platform.system() != "Linux" or platform.machine() not in ("x86_64", "aarch64"):
        yield f"the local stack needs Linux on x86_64 or aarch64; this is {platform.system()} on {platform.machine()}: use `astro dev start` instead"


def _disk(path: Path) -> Iterator[str]:
    path.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(path).free / 2**30
    if free < NEEDED_DISK_GIB:
        yield f"only {free:.1f} GiB of disk are free at {path}; {NEEDED_DISK_GIB:.0f} GiB are needed: free some space, or set HEADRACE_STATE to a folder on another disk"


def _memory() -> Iterator[str]:
    free = psutil.virtual_memory().available / 2**30
    if free < NEEDED_MEMORY_GIB:
        yield f"only {free:.1f} GiB of memory are available; {NEEDED_MEMORY_GIB:.0f} GiB are needed: close other programs first"


def _ports(s: Settings) -> Iterator[str]:
    for name, port in s.ports().items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((s.bind, port))
            except OSError as error:
                yield f"port {port} ({name}) cannot be used: {error.strerror}; free it, or set HEADRACE_PORT_{name} or HEADRACE_PORT_BASE in {s.env_file}"


def _object_store(s: Settings) -> Iterator[str]:
    if s["HEADRACE_OBJECT_STORE"] == "minio" and shutil.which("minio") is None:
        yield "HEADRACE_OBJECT_STORE=minio, but `minio` is not on the PATH: install it, or set HEADRACE_OBJECT_STORE=seaweedfs"
