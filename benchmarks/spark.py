"""Spark jobs beside the platform's: submitted as its own are, with the same memory, jars and settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.context import Context, NotMeasured
from headrace.systems.spark.catalog import catalog_conf
from headrace.systems.spark.job import batch_conf
from include.stack.endpoints import endpoint
from include.stack.environment import shared

WITHIN_S = 3600.0
MEMORY = "1g"


@dataclass(frozen=True, slots=True)
class Took:
    """One job from its command to its end."""

    seconds: float
    cpu_s: float
    """Of the process and all that it started."""
    result: Any = field(hash=False)
    """What it wrote to its result file."""


def submit(context: Context, module: str, *arguments: str) -> Took:
    """Run `benchmarks/peer/<module>.py` with these arguments and, as its last, the path of its result file.

    The catalog `lake` is the lake, where a job asks for it (`include.spark.batch.session`).

    Raises:
        NotMeasured: it failed; the message ends with its last words.
    """
    s = context.settings
    conf = batch_conf(s.lib / "spark")
    command = [str(Path(sys.executable).parent / "spark-submit"), "--driver-memory", MEMORY]
    command += [part for name, value in conf.items() for part in ("--conf", f"{name}={value}")]
    lake = {"HEADRACE_SPARK_CONF": json.dumps(catalog_conf(endpoint(s, "lake_default")))}
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
        result, log = Path(folder) / "result.json", s.logs / f"bench-{module}.log"
        command += [str(s.root / "benchmarks" / "peer" / f"{module}.py"), *arguments, str(result)]
        seconds, cpu_s, code = _timed(command, os.environ | shared(s) | lake, log)
        if code:
            raise NotMeasured(f"{module} ended with {code}: {_log_tail(log)}")
        return Took(seconds, cpu_s, json.loads(result.read_text()) if result.exists() else None)


def _timed(command: Sequence[str], environ: dict[str, str], log: Path) -> tuple[float, float, int]:
    began = time.monotonic()
    with log.open("w") as out:
        process = subprocess.Popen(command, env=environ, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime, process.returncode


def _log_tail(log: Path) -> str:
    return " ".join(log.read_text(errors="replace").split())[-600:]
