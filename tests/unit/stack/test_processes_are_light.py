"""Every process of the stack is started by a small Python program: it must not import Airflow or Spark first."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import include.stack.supervision.exec
from include.stack.services.catalogue import definitions
from tests.support.astro import local_settings

assert len(definitions(local_settings())) > 10
print(*sorted({name.partition(".")[0] for name in sys.modules} & {"airflow", "pyspark", "pyiceberg", "pandas"}))
"""


def test_defining_all_processes_imports_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout.split(), done.returncode) == ([], 0), done.stderr
