"""Operator for Spark batch jobs over the lake, on the standby driver or on a new driver."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from airflow.sdk import BaseOperator

from headrace.systems.endpoint import Endpoint
from headrace.systems.spark.archive import ClassArchive
from headrace.systems.spark.job import LONG, SHORT, batch_conf, job_environment
from headrace.systems.spark.lineage import spark_lineage_conf
from headrace.systems.spark.standby import Job, Standby, standby

if TYPE_CHECKING:
    from airflow.providers.apache.spark.hooks.spark_submit import SparkSubmitHook
    from airflow.sdk import Context


MEMORY: Final = "1g"


def _of_airflow() -> dict[str, str]:
    """Return Airflow's environment variables with empty values.

    They hold secrets, and a driver inherits the worker's environment.
    """
    return {name: "" for name in os.environ if name.startswith("AIRFLOW_")}


class LakeJobOperator(BaseOperator):
    """Operator that runs one job of `include/spark/batch` with the lake as catalog `lake`.

    The job runs on the standby driver (`spark_default`, extra `standby`) if there is one and it is free. Otherwise the
    Spark provider's hook submits a new driver. It does so too if memory or jars differ from the defaults, or if Spark
    reports the lineage. The provider's operator takes most of a CPU-second to import in every parse of a DAG file; its
    hook is imported when the task runs.

    The task reads the catalog and the platform's database from the connections, and passes them to the job in its
    environment (`HEADRACE_SPARK_CONF`, `HEADRACE_PLATFORM_JDBC`). So no secret is in a command line or a log.

    Args:
        job: name of the job in lineage, e.g. `prove_raw`.
        application: file of the job.
        application_args: arguments of the job (templated).
        jars_folder: folder of its jars; default: `HEADRACE_SPARK_JARS`.
        memory: memory of the driver, in the JVM's notation.
    """

    template_fields: Sequence[str] = ("application_args",)
    spark_reports_lineage: ClassVar[bool] = True
    """True if Spark's OpenLineage listener reports the job's lineage. It does not support branches and procedures."""

    def __init__(
        self,
        *,
        job: str,
        application: str,
        application_args: Sequence[str] = (),
        jars_folder: str | None = None,
        memory: str = MEMORY,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.job = job
        self.application = application
        self.application_args = list(application_args)
        self.jars_folder = jars_folder
        self.memory = memory
        self.short = False
        """True if the job has few rows, so that start and planning time matter most."""
        self._hook: SparkSubmitHook | None = None
        self._standby: Standby | None = None

    def execute(self, context: Context) -> Any:
        """Run the job to its end.

        Raises:
            AirflowException, SystemFailure: the job failed; its output is in the task's log.
        """
        self._run(context, self.application_args)

    def run_job(self, context: Context, *arguments: str) -> Any:
        """Run the job with these arguments and, as the last one, the path of its result file; return the result.

        Raises:
            AirflowException, SystemFailure: the job failed; its output is in the task's log.
        """
        with tempfile.TemporaryDirectory(prefix=f"headrace-{self.job}-") as folder:
            result = Path(folder) / "result.json"
            self._run(context, [*arguments, str(result)])
            return json.loads(result.read_text())

    def environment(self) -> dict[str, str]:
        """Return the job's environment. A job that needs more secrets adds them here."""
        return job_environment(Endpoint.from_connection("lake_default"), Endpoint.from_connection("platform_default"))

    def _run(self, context: Context, arguments: Sequence[str]) -> None:
        particular = self.spark_reports_lineage or self.memory != MEMORY or self.jars_folder
        if particular or not self._stood_by(arguments):
            self._submit(context, arguments)

    def _stood_by(self, arguments: Sequence[str]) -> bool:
        """Run the job on the standby driver; return False if it did not take the job."""
        self._standby = standby(Endpoint.from_connection("spark_default"))
        if self._standby is None:
            return False
        job = Job(self.application, arguments, self.environment(), SHORT if self.short else LONG)
        return self._standby.run(job, lambda line: self.log.info("%s", line))

    def _submit(self, context: Context, arguments: Sequence[str]) -> None:
        from airflow.providers.apache.spark.hooks.spark_submit import SparkSubmitHook
        from airflow.providers.openlineage.utils.spark import inject_parent_job_information_into_spark_properties

        self._hook = SparkSubmitHook(
            name=self.job,
            conf=inject_parent_job_information_into_spark_properties(self._conf(), context),
            application_args=list(arguments),
            env_vars={**_of_airflow(), **self.environment()},
            driver_memory=self.memory,
        )
        self._hook.submit(self.application)
        self._archive().keep()

    def on_kill(self) -> None:
        """End the job with its task."""
        if self._standby:
            self._standby.end()
        if self._hook:
            self._hook.on_kill()

    def _folder(self) -> Path:
        return Path(self.jars_folder or os.environ.get("HEADRACE_SPARK_JARS", ""))

    def _archive(self) -> ClassArchive:
        return ClassArchive(self._folder())

    def _conf(self) -> dict[str, str]:
        lineage = spark_lineage_conf(self.job) if self.spark_reports_lineage else {}
        local = Endpoint.from_connection("spark_default").host.startswith("local")
        return {**lineage, **batch_conf(self._folder(), short=self.short, local=local)}
