"""What the CLI says, and what it keeps to itself."""

from __future__ import annotations

import subprocess
import sys

LOGS = """
import logging
from include.stack.console import quiet_libraries
quiet_libraries()
import airflow.sdk.log
airflow.sdk.log.configure_logging()
logging.getLogger("pyiceberg.catalog").warning("of a library")
logging.getLogger("headrace").warning("of ours")
"""


def test_libraries_log_nothing_though_airflow_sets_its_log_up_afterwards() -> None:
    done = subprocess.run([sys.executable, "-c", LOGS], check=True, capture_output=True, text=True, timeout=180)
    assert "of ours" in done.stdout + done.stderr
    assert "of a library" not in done.stdout + done.stderr
