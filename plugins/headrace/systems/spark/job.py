"""Configuration and environment of a Spark batch job. Imports no Airflow, because drivers and the supervisor use it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from headrace.systems.endpoint import Endpoint
from headrace.systems.spark.archive import ClassArchive
from headrace.systems.spark.catalog import catalog_conf

LONG: Final = {
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.inMemoryColumnarStorage.compressed": "true",
}
SHORT: Final = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.inMemoryColumnarStorage.compressed": "false",
}
"""Settings of a job with few rows, where replanning after every stage costs more than it saves. Same keys as `LONG`."""
SHORT_JVM: Final = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"
"""JVM options of a short job: code that runs for seconds does not repay its optimisation.

Without optimisation the JVM reserves 48 MB for compiled code instead of 240. A driver that runs several jobs fills them;
the JVM then discards and compiles code all the time.
"""
LONG_JVM: Final = (
    "-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000"
    " -XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000"
)
"""JVM options of other jobs: ten times the defaults, so that only what runs for every row is optimised.

With the defaults, optimisation took more CPU than the jobs themselves in a driver that runs a few of them.
"""

ALONE: Final = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.authenticate": "true",
}
"""Settings of a local driver, whose executors are its own threads. Otherwise it listens on the machine's outer address.

Spark generates the secret itself: https://spark.apache.org/docs/latest/security.html
"""


def batch_conf(jars: Path, *, short: bool = False, local: bool = True) -> dict[str, str]:
    """Return Spark's configuration for one job, with the jars of that folder.

    Args:
        jars: folder of the jars.
        short: whether the job has few rows.
        local: whether its executors are threads of the driver.
    """
    return {
        **(ALONE if local else {}),
        "spark.driver.extraClassPath": ":".join(str(jar) for jar in sorted(jars.glob("*.jar"))),
        "spark.driver.extraJavaOptions": f"{ClassArchive(jars).option()} {SHORT_JVM if short else LONG_JVM}".strip(),
        "spark.log.level": "WARN",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        **(SHORT if short else LONG),
    }


def job_environment(lake: Endpoint, platform: Endpoint) -> dict[str, str]:
    """Return the environment of every job. It holds secrets."""
    jdbc = {
        "url": f"jdbc:postgresql://{platform.host}:{platform.port or 5432}/{platform.database}",
        "user": platform.login,
        "password": platform.password,
    }
    return {
        "HEADRACE_SPARK_CONF": json.dumps(catalog_conf(lake)),
        "HEADRACE_PLATFORM_JDBC": json.dumps(jdbc),
    }
