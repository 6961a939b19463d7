"""Spark session of a streaming driver: small heap, no UI, little work per batch."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headrace.streaming.settings import StreamSettings
from headrace.systems.spark.job import ALONE, SHORT_JVM

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JVM_FLAGS: Final = (
    "-XX:+UseSerialGC",  # two cores, a small heap: fewer threads and less memory than G1
    SHORT_JVM,  # per-batch planning never gets hot enough to repay C2's work and memory
    "-Xss4m",  # Spark matches error messages with a regular expression that recurses once per character
    "-XX:-UsePerfData",
    "-Djava.net.preferIPv4Stack=true",
)

PLAIN_FILES: Final = "com.globalmentor.apache.hadoop.fs.NakedLocalFileSystem"
PLAIN_FILES_JAR: Final = "hadoop-bare-naked-local-fs-*.jar"

CHATTY: Final = (
    "org.apache.spark.sql.execution.streaming.runtime.ProcessingTimeExecutor",  # a warning for every batch of a backlog
    "org.apache.spark.scheduler.DAGScheduler",  # and one for every job that a stopping query no longer has
)

CONF: Final = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.ui.retainedJobs": "5",
    "spark.ui.retainedStages": "5",
    "spark.ui.retainedTasks": "20",
    "spark.sql.ui.retainedExecutions": "5",
    "spark.sql.ui.explainMode": "simple",
    "spark.log.level": "WARN",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.locality.wait": "0s",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "0",
    "spark.sql.artifact.isolation.enabled": "false",
    "spark.sql.streaming.noDataMicroBatches.enabled": "false",
    "spark.sql.streaming.minBatchesToRetain": "20",
    "spark.sql.streaming.numRecentProgressUpdates": "2",
    "spark.sql.streaming.pollingDelay": "20ms",
    "spark.sql.streaming.stopTimeout": "15000",
    "spark.sql.streaming.checkpoint.fileChecksum.enabled": "false",
}


def spark_conf(settings: StreamSettings) -> dict[str, str]:
    """Return Spark's configuration for a driver."""
    jars = sorted(Path(settings.spark_jars).glob("*.jar")) if settings.spark_jars else []
    conf = {
        **CONF,
        "spark.driver.memory": settings.spark_memory,
        "spark.driver.extraJavaOptions": " ".join(JVM_FLAGS),
    }
    if jars:
        conf["spark.driver.extraClassPath"] = ":".join(str(jar) for jar in jars)
    if settings.spark_master.startswith("local"):
        conf |= ALONE
    if any(jar.match(PLAIN_FILES_JAR) for jar in jars):
        # Hadoop's local file system starts a chmod process for every file of every batch: twice 40 ms per batch.
        conf["spark.hadoop.fs.file.impl"] = PLAIN_FILES
        conf["spark.sql.streaming.checkpointFileManagerClass"] = (
            "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
        )
    return conf | dict(settings.spark_options)


def make_session(settings: StreamSettings, name: str) -> SparkSession:
    """Create a session. Takes seconds, because it starts the JVM."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName(name).master(settings.spark_master)
    for key, value in spark_conf(settings).items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("WARN")
    _quiet(session)
    return session


def _quiet(session: SparkSession) -> None:
    jvm: Any = session.sparkContext._jvm
    log4j = jvm.org.apache.logging.log4j
    for name in CHATTY:
        log4j.core.config.Configurator.setLevel(name, log4j.Level.ERROR)
