"""Operators that refine datasets and build marts: select the keys, run the Spark job, record its result."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.contracts.index import load_index
from headrace.errors import SystemFailure
from headrace.planning.fingerprint import fingerprint
from headrace.planning.lineage_types import LineageDataset
from headrace.planning.marts import Origin, origins, reads
from headrace.services.lineage.places import datasets
from headrace.services.lineage.reported import operator_lineage
from headrace.systems.endpoint import Endpoint
from headrace.systems.retry import Backoff
from headrace.systems.spark.batch import LakeJobOperator

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import Context

    from headrace.systems.platform.hook import PlatformHook


NOTHING: Final[Mapping[str, Any]] = {
    "changed": {},
    "watermark": None,
    "raw_records": None,
    "published": True,
    "forbids": [],
    "outcomes": [],
}
"""Result of a job that finds no change to refine."""


class Flow(NamedTuple):
    """Tables that a job reads and writes."""

    read: tuple[LineageDataset, ...]
    made: tuple[LineageDataset, ...]


class AuditedJobOperator(LakeJobOperator):
    """Runs a job that writes a dataset, runs the contract's checks on it and publishes it.

    Rows that break a rule of severity error are not published: the task fails, an alert is raised, and the rows stay on
    the branch `audit` of the tables. The alert is resolved when a later run is published. All outcomes are written to
    the platform's ledger and to `quality.results` of the warehouse, and sent to OpenLineage.

    Args:
        dataset: id of the dataset.
        application: file of the job.
        job: name of the job in lineage.
    """

    spark_reports_lineage = False

    def __init__(self, *, dataset: str, application: str, job: str, **kwargs: Any) -> None:
        super().__init__(job=job, application=application, **kwargs)
        self.dataset = dataset
        self.logic: str | None = None
        """Fingerprint of the logic that determines the rows, where it is more than code (`planning.fingerprint`)."""
        self._changed: Mapping[str, Mapping[str, int]] = {}

    def run_audited(
        self, context: Context, platform: PlatformHook, selection: Mapping[str, Any], *arguments: str
    ) -> dict[str, Any]:
        """Run the job; return the rows by zone and kind of change, and the outcome of every check.

        Raises:
            AirflowFailException: a rule of severity error is broken, and the rows are not published.
            AirflowException, SystemFailure: the job failed; its output is in the task's log.
        """
        return self.recorded(context, platform, selection, self.run_job(context, self.dataset, *arguments))

    def recorded(
        self, context: Context, platform: PlatformHook, selection: Mapping[str, Any], done: dict[str, Any]
    ) -> dict[str, Any]:
        """Record a job's result and return it. Raises AirflowFailException if its rows are not published."""
        from airflow.sdk.exceptions import AirflowFailException

        from headrace.services.refinement.ledger import Ledger

        run, dag = str(context["run_id"]), context["dag"].dag_id
        Ledger(platform).record(run, selection, done, dag_id=dag, logic=self.logic)
        self._changed = done["changed"] if done["published"] else {}
        self._report(platform, done, f"{dag} {run}")
        self._keep(platform)
        if not done["published"]:
            refused = f"{self.dataset} is not published: {'; '.join(done['forbids'])}"
            self.log.error("%s", refused)
            raise AirflowFailException(refused)
        return done

    @cached_property
    def flow(self) -> Flow:
        """Return the lake's tables that the job reads and writes, for the start, the checks and the end."""
        return self.find_flow()

    @abstractmethod
    def find_flow(self) -> Flow:
        """Determine the tables that the job reads and writes."""

    def get_openlineage_facets_on_start(self) -> OperatorLineage[Any, Any]:
        """Return the task's inputs and outputs."""
        return operator_lineage(*self.flow)

    def get_openlineage_facets_on_complete(self, _: Any) -> OperatorLineage[Any, Any]:
        """Return the task's inputs and outputs, with the number of changed rows."""
        read, made = self.flow
        rows = {zone: sum(kinds.values()) for zone, kinds in self._changed.items()}
        return operator_lineage(read, made, {each.name: rows.get(zone_of(each), 0) for each in made})

    def _report(self, platform: PlatformHook, done: Mapping[str, Any], run: str) -> None:
        from headrace.services.quality.alerts import alert_on
        from headrace.services.quality.lineage import Checked, emit_outcomes
        from headrace.services.quality.outcomes import Outcome

        for zone, changes in done["changed"].items():
            self.log.info("%s: %s", zone, ", ".join(f"{rows:,} {kind}" for kind, rows in changes.items()))
        outcomes = tuple(Outcome(**outcome) for outcome in done["outcomes"])
        alert_on(platform, self.dataset, "cleaned", outcomes)
        if outcomes:
            cleaned = [Checked(each, outcomes) for each in self.flow.made if zone_of(each) == "cleaned"]
            emit_outcomes(cleaned, run, datetime.now(UTC), self.log.warning)

    def _keep(self, platform: PlatformHook) -> None:
        """Copy the outcomes from the ledger to the warehouse. If it does not answer, the next run copies them."""
        from headrace.services.quality.results import Results
        from headrace.systems.warehouse.hook import WarehouseHook

        warehouse = WarehouseHook(
            Endpoint.from_connection(WarehouseHook.default_conn_name), timeout_s=20.0, backoff=Backoff(tries=2)
        )
        try:
            Results(warehouse).bring_over(platform)
        except SystemFailure as failure:
            self.log.warning("the outcomes stay in the ledger until the next run copies them: %s", failure)


class RefineOperator(AuditedJobOperator):
    """Refines one dataset from raw to cleaned, history and quarantine.

    A run with a data interval (scheduled, a backfill) refines the keys of which a change happened (by the contract's
    event time) or was committed in the interval. A run without one refines what raw has beyond the last such run, or
    all keys when a row rule, the token key or the engine has changed since. The run's parameter `days` selects other
    intervals, in one job; `everything` selects all keys. Every run also refines the keys of dead letters that were
    replayed into raw since the last run.

    Args:
        dataset: id of the dataset.
        application: file of the job.
        schemas: folder of the contracts.
    """

    def __init__(self, *, dataset: str, application: str, schemas: str, **kwargs: Any) -> None:
        super().__init__(dataset=dataset, application=application, job=f"refine_{dataset.replace('.', '_')}", **kwargs)
        self.schemas = schemas

    def execute(self, context: Context) -> dict[str, Any]:
        """Refine the selected keys; return the result, see `run_audited`.

        Raises:
            AirflowFailException: the rows are not published, or the run's parameters are invalid.
            AirflowException, SystemFailure: the job failed; its output is in the task's log.
        """
        from airflow.sdk.exceptions import AirflowFailException

        from headrace.services.dead_letters.ledger import DeadLetterLedger
        from headrace.services.refinement.ledger import Ledger
        from headrace.systems.platform.hook import PlatformHook

        platform = PlatformHook.from_connection()
        contract = load_index(Path(self.schemas))[self.dataset]
        self.logic = fingerprint(contract, _token_key())
        try:
            selection = selected(context, Ledger(platform).watermark(self.dataset, self.logic))
        except ValueError as wrong:
            raise AirflowFailException(str(wrong)) from wrong
        self.short = bool(selection)
        dead_letters = DeadLetterLedger(platform)
        replayed = dead_letters.unrefined(self.dataset)
        if selection and replayed:
            selection["positions"] = positions(replayed.values())
        if not replayed and self._is_empty(contract, selection):
            self.log.info("raw of %s holds nothing of %s: there is nothing to refine", self.dataset, selection)
            return self.recorded(context, platform, selection, {"dataset": self.dataset, **NOTHING})
        self.log.info("refining %s for %s", self.dataset, selection or "all keys")
        done = self.run_audited(context, platform, selection, json.dumps(selection))
        dead_letters.refined(replayed)
        return done

    def _is_empty(self, contract: Contract, selection: Mapping[str, Any]) -> bool:
        """Return whether the selection is of intervals, and the metadata of raw shows that no change belongs to them."""
        from headrace.systems.lake import rows
        from headrace.systems.lake.hook import LakeHook

        intervals = [tuple(map(datetime.fromisoformat, each)) for each in selection.get("intervals", ())]
        if not intervals:
            return False
        lake = LakeHook.from_connection()
        raw = lake.need(names.raw_table(contract))
        times = [name for name in ("_committed_at", contract.event_time) if name]
        return lake.call(lambda: not any(rows.may_hold(raw, times, start, end) for start, end in intervals))

    def find_flow(self) -> Flow:
        """Return the flow from raw to the other zones."""
        contract, known = load_index(Path(self.schemas))[self.dataset], datasets()
        return Flow((known.lake(contract, "raw"),), known.refined(contract))

    def environment(self) -> dict[str, str]:
        """Return the environment, with the key of the tokens, `HEADRACE_TOKEN_KEY`."""
        return {
            **super().environment(),
            "HEADRACE_TOKEN_KEY": _token_key(),
        }


class BuildMartOperator(AuditedJobOperator):
    """Builds one mart from cleaned datasets, by its SQL; writes only changed rows.

    Args:
        dataset: id of the mart, `marts.<name>`.
        application: file of the job.
        sql: file of the SQL.
        schemas: folder of the contracts.
    """

    def __init__(self, *, dataset: str, application: str, sql: str, schemas: str, **kwargs: Any) -> None:
        super().__init__(dataset=dataset, application=application, job=f"build_{dataset.replace('.', '_')}", **kwargs)
        self.sql = sql
        self.schemas = schemas

    def execute(self, context: Context) -> dict[str, Any]:
        """Build the mart; return the result and raise as `run_audited`.

        Raises AirflowSkipException while a table that it reads has no rows.
        """
        from airflow.sdk.exceptions import AirflowSkipException

        from headrace.systems.lake.hook import LakeHook
        from headrace.systems.platform.hook import PlatformHook

        lake = LakeHook.from_connection()
        inputs = {table.symlink.name: lake.content(table.symlink.name) for table in self.flow.read if table.symlink}
        if empty := [table for table, content in inputs.items() if content is None]:
            raise AirflowSkipException(f"{self.dataset} is not built: no rows in {', '.join(empty)}; refine it first")
        return self.run_audited(context, PlatformHook.from_connection(), {"inputs": inputs}, self.sql)

    def find_flow(self) -> Flow:
        """Return the flow from the cleaned tables that the SQL reads to the mart's table."""
        contracts, sql, known = load_index(Path(self.schemas)), Path(self.sql).read_text(), datasets()
        mart = contracts[self.dataset]
        read = tuple(known.lake(contract, "cleaned") for contract in reads(sql, contracts.values()))
        return Flow(read, (known.mart(mart, self._origins(sql, mart, contracts.values())),))

    def _origins(self, sql: str, mart: Contract, contracts: Iterable[Contract]) -> Mapping[str, Sequence[Origin]]:
        """Return the mart's column lineage; empty, with a warning, if the SQL cannot be parsed."""
        from sqlglot.errors import SqlglotError

        try:
            return origins(sql, mart, contracts)
        except SqlglotError as unread:
            self.log.warning("no column lineage: %s", unread)
            return {}


def zone_of(table: LineageDataset) -> str:
    """Return the zone of a lake table."""
    return table.symlink.name.partition(".")[0] if table.symlink else ""


def _token_key() -> str:
    return Endpoint.from_connection("tokens_default").password or ""


def selected(context: Mapping[str, Any] | Context, watermark: Mapping[str, int]) -> dict[str, Any]:
    """Return the selection of a run, in the job's form. Raises ValueError for invalid days."""
    run, params = context["dag_run"], context.get("params") or {}
    if params.get("everything"):
        return {}
    if params.get("days"):
        return {"intervals": [interval(days) for days in params["days"]]}
    start, end = run.data_interval_start, run.data_interval_end
    if start is None or end is None or start == end:
        return {"past": dict(watermark)} if watermark else {}
    return {"intervals": [[start.isoformat(), end.isoformat()]]}


def positions(places: Iterable[tuple[int, int]]) -> dict[str, list[int]]:
    """Return, by Kafka partition, the sorted offsets of single changes that a run also refines."""
    found: dict[str, list[int]] = {}
    for partition, offset in sorted(places):
        found.setdefault(str(partition), []).append(offset)
    return found


def interval(days: str) -> list[str]:
    """Return the days as ISO instants from and until, in UTC: `2017-03-06`, or `2017-03-06/2017-03-12` inclusive.

    Raises ValueError for text that is neither, and for days in the wrong order.
    """
    first, _, last = days.partition("/")
    try:
        start, end = date.fromisoformat(first), date.fromisoformat(last or first) + timedelta(days=1)
    except ValueError as wrong:
        raise ValueError(f"`days` must be 2017-03-06, or 2017-03-06/2017-03-12; got {days!r}") from wrong
    if end <= start:
        raise ValueError(f"`days` must not end before the first day; got {days!r}")
    return [f"{day.isoformat()}T00:00:00+00:00" for day in (start, end)]
