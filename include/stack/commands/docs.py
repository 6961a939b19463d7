"""Build the documentation as a site, and serve it: `./headrace docs`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from include.stack.settings import Settings

SITE: Final = Path(__file__).parents[2] / "docs" / "site"
"""Sphinx's configuration and the lock file of its environment."""
LOCK: Final = SITE / "requirements.lock"
LOOPBACK: Final = "127.0.0.1"
BUILD_S: Final = 600.0

Report = Callable[[str], None]


class DocsFailed(Exception):
    """The site could not be built or served; the message names the cause and the next step."""


def build(s: Settings, output: Path, report: Report) -> Path:
    """Render all pages into a folder, which is emptied first, and return its index page.

    Every page is read, because Sphinx does not repeat the warnings of a page that it has read before.

    Raises:
        DocsFailed: a warning, a dead link or a missing anchor, or the generator could not be installed.
    """
    python = install(s, report)
    report("rendering the pages")
    shutil.rmtree(output, ignore_errors=True)
    with tempfile.TemporaryDirectory() as cache:
        command = [
            str(python), "-m", "sphinx", "--builder", "html", "--fail-on-warning", "--keep-going", "--quiet", "--no-color",
            "--conf-dir", str(SITE), "--doctree-dir", cache, str(s.root), str(output),
        ]  # fmt: skip
        environ = os.environ | {"PYTHONPATH": str(SITE.parents[2])}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=BUILD_S, check=False)
    if done.returncode:
        raise DocsFailed(faults(done.stderr, s.root))
    return output / "index.html"


def faults(log: str, root: Path) -> str:
    """Return what Sphinx complains of: one line per warning with page and line, or its last lines if it broke off."""
    lines = log.replace(f"{root}/", "").strip().splitlines()
    found = [line for line in lines if "WARNING: " in line or "ERROR: " in line]
    if not found:
        return "Sphinx failed:\n  " + "\n  ".join(lines[-8:])
    return f"the pages have {len(found)} faults; correct them:\n  " + "\n  ".join(found)


def install(s: Settings, report: Report) -> Path:
    """Install the generator into an environment of its own, if the lock file is new. Return that environment's Python.

    Raises DocsFailed.
    """
    venv, uv = s.state / "docs-venv", str(s.state / "uv" / "bin" / "uv")
    python, stamp = venv / "bin" / "python", venv / ".lock"
    wanted = sha256(LOCK.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    report("installing the generator of the site (only once)")
    _run([uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(venv)])
    _run([uv, "pip", "sync", "--quiet", "--compile-bytecode", "--python", str(python), "--require-hashes", str(LOCK)])
    stamp.write_text(wanted)
    return python


def serve(site: Path, port: int, report: Report) -> None:
    """Serve a folder on loopback until Ctrl-C. Raises DocsFailed."""
    try:
        server = ThreadingHTTPServer((LOOPBACK, port), partial(_Quiet, directory=str(site)))
    except OSError as error:
        raise DocsFailed(f"cannot listen on {LOOPBACK}:{port}: {error.strerror}; choose another with --port") from error
    with server:
        report(f"http://{LOOPBACK}:{server.server_port}/   Ctrl-C ends it")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            report("stopped")


class _Quiet(SimpleHTTPRequestHandler):
    """Handler without a line per request."""

    def log_message(self, format: str, *args: Any) -> None: ...


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_S, check=False)
    if done.returncode:
        cause = " ".join(done.stderr.strip().splitlines()[-8:])
        raise DocsFailed(f"could not install the generator of the site: {cause}; then run ./headrace docs again")
