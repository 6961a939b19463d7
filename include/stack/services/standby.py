"""Service of the standby Spark driver for batch jobs. Without it every job starts its own driver."""

from __future__ import annotations

import sys

from headrace.systems.spark.job import job_environment
from include.stack.endpoints import endpoint
from include.stack.environment import shared
from include.stack.services.probes import beats
from include.stack.services.process import BATCH, Process
from include.stack.services.service import Service
from include.stack.settings import Settings
from include.stack.sockets import STANDBY, socket_path


def service(s: Settings) -> Service:
    """Return the service. It creates its Spark session for the first job."""
    script = s.root / "include" / "spark" / "batch" / "standby.py"
    environ = {
        **shared(s),
        **job_environment(endpoint(s, "lake_default"), endpoint(s, "platform_default")),
        "HEADRACE_TOKEN_KEY": s["HEADRACE_TOKEN_KEY"],
        "HEADRACE_SPARK_MEMORY": s["HEADRACE_MEMORY_BATCH"],
    }
    socket = socket_path(s, STANDBY)
    process = Process(STANDBY, (sys.executable, str(script), str(socket)), environ, stop_seconds=30, nice=BATCH)
    return Service(process, lambda: beats(socket.with_suffix(".pulse")))
