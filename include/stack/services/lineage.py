"""Service of the lineage endpoint, which stores OpenLineage events."""

from __future__ import annotations

import sys

from include.stack.databases import role_dsn
from include.stack.services.probes import http_answers
from include.stack.services.process import Process
from include.stack.services.service import Service
from include.stack.settings import Settings


def service(s: Settings) -> Service:
    """Return the service."""
    command = (
        sys.executable, "-m", "uvicorn", "include.apps.lineage.app:app", "--host", s.bind,
        "--port", str(s.port("LINEAGE")), "--log-level", "warning", "--no-access-log",
    )  # fmt: skip
    environ = {
        "HEADRACE_PLATFORM_DSN": role_dsn(s, "lineage", "headrace"),
        "HEADRACE_LINEAGE_KEY": s["HEADRACE_LINEAGE_KEY"],
        "MARQUEZ_URL": s["HEADRACE_MARQUEZ_URL"],
    }
    url = f"http://{s.bind}:{s.port('LINEAGE')}/healthz"
    return Service(Process("lineage", command, environ), lambda: http_answers(url), needs=("postgres",))
