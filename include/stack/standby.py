"""The Spark driver that stands by for batch jobs, as a supervised process. Without it every job starts one of its own."""

from __future__ import annotations

import sys

from headrace.systems.spark.job import job_environment
from include.stack.endpoints import endpoint
from include.stack.environment import shared
from include.stack.process import STANDBY, Process
from include.stack.settings import Settings
from include.stack.sockets import socket_path


def standby_process(s: Settings) -> Process:
    """It starts small, and makes its session for the first job."""
    script = s.root / "include" / "spark" / "batch" / "standby.py"
    environ = {
        **shared(s),
        **job_environment(endpoint(s, "lake_default"), endpoint(s, "platform_default")),
        "HEADRACE_TOKEN_KEY": s["HEADRACE_TOKEN_KEY"],
        "HEADRACE_SPARK_MEMORY": s["HEADRACE_MEMORY_BATCH"],
    }
    return Process(STANDBY, (sys.executable, str(script), str(socket_path(s, STANDBY))), environ, stop_seconds=30)
