"""Service of ClickHouse, the warehouse."""

from __future__ import annotations

import sys

from include.stack.install import clickhouse_library
from include.stack.services.probes import http_answers
from include.stack.services.process import Process
from include.stack.services.service import Service
from include.stack.settings import Settings


def service(s: Settings) -> Service:
    """Return the service, which runs the engine by `clickhouse_engine`."""
    program = ("-m", "include.stack.services.clickhouse_engine")
    command = (sys.executable, *program, str(s.run / "clickhouse.xml"), str(s.data / "clickhouse"))
    environ = {"HEADRACE_LIBCHDB": str(clickhouse_library(s.lib))}
    url = f"http://{s.bind}:{s.port('CLICKHOUSE')}/ping"
    return Service(Process("clickhouse", command, environ, stop_signal="INT"), lambda: http_answers(url))
