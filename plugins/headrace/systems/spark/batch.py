"""Spark batch jobs over the lake, launched and watched by the Spark provider's operator."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

from headrace.systems.endpoint import Endpoint
from headrace.systems.lineage.spark import spark_lineage_conf
from headrace.systems.spark.catalog import catalog_conf

if TYPE_CHECKING:
    from airflow.sdk import Context


class LakeJobOperator(SparkSubmitOperator):
    """Runs one job of `include/spark/batch` with the lake as catalog `lake` and lineage switched on.

    The catalog and the platform's database are read from the connections when the task runs, and reach the job by its
    environment (`HEADRACE_SPARK_CONF`, `HEADRACE_PLATFORM_JDBC`), so that no secret stands in a command line or a log.

    Args:
        job: name of the job in lineage, e.g. `prove_raw`.
        application: its file.
        jars: a folder of jars; default: `HEADRACE_SPARK_JARS`.
    """

    def __init__(
        self, *, job: str, application: str, jars_folder: str | None = None, memory: str = "1g", **kwargs: Any
    ) -> None:
        folder = jars_folder or os.environ.get("HEADRACE_SPARK_JARS", "")
        conf = {
            **spark_lineage_conf(job),
            "spark.driver.extraClassPath": f"{folder}/*",
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": "4",
            "spark.sql.session.timeZone": "UTC",
        }
        super().__init__(application=application, name=job, conf=conf, driver_memory=memory, **kwargs)

    def execute(self, context: Context) -> None:
        """Run the job to its end; its failure is the task's."""
        platform = Endpoint.from_connection("platform_default")
        jdbc = {
            "url": f"jdbc:postgresql://{platform.host}:{platform.port or 5432}/{platform.database}",
            "user": platform.login,
            "password": platform.password,
        }
        self.env_vars = {
            "HEADRACE_SPARK_CONF": json.dumps(catalog_conf(Endpoint.from_connection("lake_default"))),
            "HEADRACE_PLATFORM_JDBC": json.dumps(jdbc),
        }
        super().execute(context)
