"""Operators that find gaps in raw, count positions in raw, and re-read tables from their source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import BaseOperator

from headrace.contracts import names
from headrace.systems.parameters import chosen
from headrace.systems.platform.alerts import Severity
from headrace.systems.spark.batch import LakeJobOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from headrace.contracts.contract import Contract
    from headrace.services.proving.ledger import Found, GapLedger
    from headrace.systems.bundle import Systems

SETTLE_S: Final = 60.0
"""Seconds, longer than a commit of the sink may take (`sink_commit_interval_ms` and `sink_commit_timeout_ms`)."""
SHOWN: Final = 20
"""Maximum number of gaps that an alert lists."""


class CountPositionsOperator(LakeJobOperator):
    """Counts changes and their positions in raw, by Spark.

    It reports no lineage: it moves no row, and a job over all raw tables would connect all of them.
    """

    spark_reports_lineage = False


class ProveGapsOperator(BaseOperator):
    """Compares new records in Kafka with raw and the dead letters; an alert is open for each dataset with a gap.

    Records that Kafka still has become dead letters of the sink, which `replay_dead_letters` lands. If Kafka removed records
    before the sink read them, the table is re-read from its source.

    Args:
        schemas: the index of the applied contracts.
        datasets: ids of the datasets to compare (templated); all that land in raw when empty.
        accepted: ids of datasets whose open gaps are accepted as they are (templated).
        settle_s: seconds that the sink may take to commit what it has read.
    """

    template_fields: Sequence[str] = ("datasets", "accepted")
    ui_color = "#e8daef"

    def __init__(
        self,
        *,
        schemas: str,
        datasets: Sequence[str] | str | None = (),
        accepted: Sequence[str] = (),
        settle_s: float = SETTLE_S,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.schemas = schemas
        self.datasets = datasets
        self.accepted = accepted
        self.settle_s = settle_s

    def execute(self, context: Context) -> dict[str, list[str]]:
        """Return the open gaps by dataset.

        Raises:
            AirflowFailException: a dataset is unknown.
            HeldBack: some datasets could not be compared; the others were.
        """
        from airflow.sdk.exceptions import AirflowFailException

        from headrace.planning.topics import landed
        from headrace.services.connectors.reconcile import Reconciler
        from headrace.services.dead_letters.collect import Collecting
        from headrace.services.dead_letters.ledger import DeadLetterLedger
        from headrace.services.dead_letters.quarantine import Quarantine
        from headrace.services.proving.ledger import GapLedger
        from headrace.services.proving.missing import set_aside
        from headrace.services.proving.proof import Proof
        from headrace.systems.turns import Turns

        reconciler = Reconciler.from_connections(self.schemas, self.log.info)
        systems, contracts = reconciler.systems, landed(reconciler.contracts)
        try:
            requested = chosen(
                self.datasets, [c.id for c in contracts], "no such dataset lands in raw; datasets in raw"
            )
        except ValueError as unknown:
            raise AirflowFailException(str(unknown)) from unknown
        ledger = GapLedger(systems.platform)
        dead_letters, quarantine = DeadLetterLedger(systems.platform), Quarantine(systems.lake)
        Collecting(systems.kafka, quarantine, dead_letters, reconciler.contracts).collect()
        proof = Proof(systems.kafka, systems.connect, systems.lake, ledger, self.settle_s)
        for dataset in self.accepted:
            ledger.accept(dataset)

        turns = Turns(self.log.error)
        for contract in contracts:
            if contract.id not in requested:
                continue
            with turns.of(contract.id):
                for found in proof.prove(contract):
                    if new := set_aside(systems.kafka, quarantine, dead_letters, contract, found):
                        self.log.info("%s: %s records kept as dead letters", found, f"{new:,}")
        heal(systems, ledger, contracts, self.log.info)
        left = {contract.id: ledger.open(contract.id) for contract in contracts}
        raise_alerts(systems, left)
        for dataset, gaps in left.items():
            for gap in gaps:
                self.log.warning("%s: %s", dataset, gap)
        turns.end()
        return {dataset: [str(gap) for gap in gaps] for dataset, gaps in left.items() if gaps}


def heal(
    systems: Systems, ledger: GapLedger, contracts: Sequence[Contract], log: Callable[[str], None], **options: Any
) -> None:
    """Re-read the tables of which Kafka removed records before the sink read them, once the sink runs.

    Raises:
        SystemFailure: the source's connector has failed, or a stream does not catch up; the gap stays open.
    """
    from headrace.services.connectors.rereading import of_datasets, reread

    hurt = [c for c in contracts if c.captured and _lost(ledger.open(c.id)) and _runs(systems, c)]
    for connection, mine in of_datasets(hurt, [c.id for c in hurt]).items():
        reread(systems, connection, mine, log, **options)
        ledger.removed_closed([contract.id for contract in mine], "reread")


def raise_alerts(systems: Systems, found: Mapping[str, Sequence[Found]]) -> None:
    """Raise an alert for each dataset with gaps, and resolve the others."""
    hurt = {dataset: gaps for dataset, gaps in found.items() if gaps}
    for dataset, gaps in hurt.items():
        more = f" and {len(gaps) - SHOWN} more" if len(gaps) > SHOWN else ""
        text = f"{dataset}: neither in raw nor a dead letter: {', '.join(map(str, gaps[:SHOWN]))}{more}"
        details = [{"topic": f.topic, "partition": f.partition, **f.gap._asdict()} for f in gaps[:SHOWN]]
        severity: Severity = "warning" if all(f.gap.kind == "unproven" for f in gaps) else "error"
        systems.platform.raise_alert(f"gap:{dataset}", severity, text, dataset, details=details)
    systems.platform.resolve_others("gap:", [f"gap:{dataset}" for dataset in hurt])


def _lost(found: Iterable[Found]) -> bool:
    return any(one.gap.kind == "lost" for one in found)


def _runs(systems: Systems, contract: Contract) -> bool:
    status = systems.connect.status(names.sink_connector(contract.domain))
    return bool(status and status.settled("RUNNING"))


class RereadTablesOperator(BaseOperator):
    """Re-reads the tables of some datasets, and deletes served rows that are gone; other tables stay captured.

    Args:
        datasets: ids of CDC datasets (templated).
        schemas: the folder of the contracts.
    """

    template_fields = ("datasets",)

    def __init__(self, *, datasets: Sequence[str], schemas: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.datasets = datasets
        self.schemas = schemas

    def execute(self, context: Context) -> int:
        """Return how many rows were deleted. Raises HeldBack; it may be run again."""
        from airflow.sdk.exceptions import AirflowFailException

        from headrace.services.connectors.reconcile import Reconciler
        from headrace.services.connectors.rereading import of_datasets, reread
        from headrace.services.proving.ledger import GapLedger
        from headrace.systems.turns import Turns

        reconciler = Reconciler.from_connections(self.schemas, self.log.info)
        try:
            chosen = of_datasets(reconciler.contracts, self.datasets)
        except ValueError as wrong:
            raise AirflowFailException(str(wrong)) from wrong
        deleted, turns, gaps = 0, Turns(self.log.error), GapLedger(reconciler.systems.platform)
        for connection, mine in chosen.items():
            with turns.of(connection):
                deleted += reread(reconciler.systems, connection, mine, self.log.info)
                gaps.removed_closed([contract.id for contract in mine], "reread")
        turns.end()
        return deleted
