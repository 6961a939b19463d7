"""Spark batch jobs over the lake, on the driver that stands by or on one of their own."""

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
    """Airflow's settings, its secrets among them, made empty: a driver inherits the environment of the worker."""
    return {name: "" for name in os.environ if name.startswith("AIRFLOW_")}


class LakeJobOperator(BaseOperator):
    """Runs one job of `include/spark/batch` with the lake as catalog `lake`.

    The job runs on the Spark driver that stands by (`spark_default`, extra `standby`), where there is one and it is free;
    else, or with memory or jars that are not the usual ones, or where lineage is Spark's to tell, on a driver of its own,
    submitted by the Spark provider's hook. The provider's operator costs most of a CPU-second to import, in every parse of
    a DAG file; its hook is imported when the task runs.

    The catalog and the platform's database are read from the connections when the task runs, and reach the job by its
    environment (`HEADRACE_SPARK_CONF`, `HEADRACE_PLATFORM_JDBC`), so that no secret stands in a command line or a log.

    Args:
        job: name of the job in lineage, e.g. `prove_raw`.
        application: its file.
        application_args: its arguments (templated).
        jars_folder: where its jars are; default: `HEADRACE_SPARK_JARS`.
        memory: of the driver, as the JVM writes it.
    """

    template_fields: Sequence[str] = ("application_args",)
    told_by_spark: ClassVar[bool] = True
    """Whether Spark's OpenLineage listener tells what the job does. It knows nothing of branches and procedures."""

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
        """Whether the job is about few rows: then what counts is how soon it starts and plans."""
        self._hook: SparkSubmitHook | None = None
        self._standby: Standby | None = None

    def execute(self, context: Context) -> Any:
        """Run the job to its end.

        Raises:
            AirflowException, SystemFailure: the job failed; its output stands in the task's log.
        """
        self._run(context, self.application_args)

    def run_job(self, context: Context, *arguments: str) -> Any:
        """Run the job with these arguments and, as its last, the path of the file for its result; the result.

        Raises:
            AirflowException, SystemFailure: the job failed; its output stands in the task's log.
        """
        with tempfile.TemporaryDirectory(prefix=f"headrace-{self.job}-") as folder:
            result = Path(folder) / "result.json"
            self._run(context, [*arguments, str(result)])
            return json.loads(result.read_text())

    def environment(self) -> dict[str, str]:
        """What the job learns by its environment. A job that needs more secrets adds them here."""
        return job_environment(Endpoint.from_connection("lake_default"), Endpoint.from_connection("platform_default"))

    def _run(self, context: Context, arguments: Sequence[str]) -> None:
        particular = self.told_by_spark or self.memory != MEMORY or self.jars_folder
        if particular or not self._stood_by(arguments):
            self._submit(context, arguments)

    def _stood_by(self, arguments: Sequence[str]) -> bool:
        """Whether the driver that stands by has done it."""
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
        told = spark_lineage_conf(self.job) if self.told_by_spark else {}
        local = Endpoint.from_connection("spark_default").host.startswith("local")
        return {**told, **batch_conf(self._folder(), short=self.short, local=local)}
