"""Environment variables shared by Airflow's processes and Spark's drivers, without Airflow's own secrets."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from include.stack.contracts import applied_file, index_file
from include.stack.databases import role_dsn
from include.stack.install import java_home
from include.stack.settings import SETTINGS, Settings


def shared(s: Settings) -> dict[str, str]:
    """Return the shared variables: paths, waits, and the DSN of the platform's database."""
    return {
        "HEADRACE_PLATFORM_DSN": role_dsn(s, "headrace_platform"),
        "HEADRACE_CONTRACTS": str(s.contracts),
        "HEADRACE_INDEX": str(index_file(s)),
        "HEADRACE_APPLIED": str(applied_file(s)),
        **{setting.name: s[setting.name] for setting in SETTINGS if setting.kind == "wait"},
        "HEADRACE_SPARK_JARS": str(s.lib / "spark"),
        "JAVA_HOME": str(java_home()),
        "PYSPARK_PYTHON": sys.executable,
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '/usr/bin:/bin')}",
        "PYTHONPATH": f"{s.root}:{s.root / 'plugins'}",
    }
