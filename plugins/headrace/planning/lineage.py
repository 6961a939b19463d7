"""Declared lineage of the contracts: data flow per job and per column.

Connectors and streaming queries report no lineage or wrong lineage, so it is derived from the contracts. Each job is
the work of a process for one dataset:

    postgres ──cdc-oltp.…──► kafka ──lake-retail.…──► iceberg ◄──land_files.…── files
                               ├──stream.retail.cdc.…──► clickhouse state, changes ──view──► view
                               └──stream.retail.metrics.…──► clickhouse metrics ──view──► view

Dead letters are omitted: one topic holds those of many datasets and would connect all of them in one graph.
`lineage_events` turns the jobs into OpenLineage events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.contracts.names import LineageName
from headrace.planning.lineage_datasets import Datasets, copied
from headrace.planning.lineage_types import (
    Column,
    ColumnSource,
    DeclaredJob,
    JobKind,
    LineageDataset,
    LineageSettings,
    MetricTable,
)
from headrace.planning.topics import captured, landed

CONNECTOR: Final = JobKind("STREAMING", "KAFKA_CONNECT", "CONNECTOR")
STREAM: Final = JobKind("STREAMING", "SPARK", "QUERY")
VIEW: Final = JobKind("BATCH", "CLICKHOUSE", "VIEW", long_lived=False)
LANDING: Final = JobKind("BATCH", "AIRFLOW", "TASK", long_lived=False)
AIRFLOW: Final = "headrace"
"""Namespace of Airflow's tasks, as in Airflow's own events."""

Reference: TypeAlias = Callable[[MetricTable, ColumnSource[str]], ColumnSource[LineageName]]
"""Function that maps a declared source of a metric column to its OpenLineage name. Raises ValueError."""


def declared(
    contracts: Iterable[Contract],
    settings: LineageSettings,
    metrics: Iterable[MetricTable] = (),
) -> tuple[DeclaredJob, ...]:
    """Return every job that the contracts imply, in the order of the data flow.

    Raises:
        ValueError: a contract names a source connection that the settings do not have, or a metric reads a dataset or a
            field that no contract declares.
    """
    graph = _Graph(tuple(contracts), settings)
    return (
        *graph.source_connectors(),
        *graph.sink_connectors(),
        *graph.landings(),
        *graph.change_streams(),
        *graph.views(),
        *graph.metric_streams(tuple(metrics)),
        *graph.metric_views(tuple(metrics)),
    )


class _Graph:
    def __init__(self, contracts: tuple[Contract, ...], settings: LineageSettings) -> None:
        self.contracts = contracts
        self.settings = settings
        self.datasets = Datasets(settings)
        self.by_id = {contract.id: contract for contract in contracts}

    def source_connectors(self) -> Iterator[DeclaredJob]:
        for contract in captured(self.contracts):
            source, topic = self.datasets.source(contract), self.datasets.topic(contract)
            yield DeclaredJob(
                namespace=self._connect_namespace,
                name=f"{names.source_connector(contract.source.connection)}.{topic.name.name}",
                kind=CONNECTOR,
                doc=f"Debezium: every change of {source.name.name}, into its topic.",
                inputs=(source,),
                outputs=(copied(topic, source),),
            )

    def sink_connectors(self) -> Iterator[DeclaredJob]:
        for contract in landed(self.contracts):
            topic, connector = self.datasets.topic(contract), names.sink_connector(contract.domain)
            yield DeclaredJob(
                namespace=self._connect_namespace,
                name=f"{connector}.{names.raw_table(contract)}",
                kind=CONNECTOR,
                doc=f"Iceberg sink: every change of {contract.id}, into the raw zone of the lake.",
                inputs=(topic,),
                outputs=(copied(self.datasets.lake(contract, "raw"), topic),),
            )

    def landings(self) -> Iterator[DeclaredJob]:
        for contract in self.contracts:
            if contract.source.kind == "file":
                raw, files = self.datasets.lake(contract, "raw"), self.datasets.files(contract)
                yield DeclaredJob(
                    namespace=AIRFLOW,
                    name=f"land_files.{names.raw_table(contract)}",
                    kind=LANDING,
                    doc=f"Airflow: every file of {contract.id} that is dropped, into the raw zone of the lake.",
                    inputs=(files,),
                    outputs=(copied(raw, files),),
                )

    def change_streams(self) -> Iterator[DeclaredJob]:
        for contract in self._served():
            topic = self.datasets.topic(contract)
            tables = (self.datasets.warehouse(contract, table) for table in names.stream_tables(contract))
            yield DeclaredJob(
                namespace=self.settings.spark_namespace,
                name=f"stream.{contract.stream_group}.cdc.{contract.id}",
                kind=STREAM,
                doc=f"Spark: current state and change history of {contract.id}.",
                inputs=(topic,),
                outputs=tuple(copied(table, topic) for table in tables),
            )

    def views(self) -> Iterator[DeclaredJob]:
        for contract in self._served():
            base, view = (
                self.datasets.warehouse(contract, names.stream_tables(contract)[0]),
                self.datasets.view(contract),
            )
            yield DeclaredJob(
                namespace=view.name.namespace,
                name=view.name.name,
                kind=VIEW,
                doc=f"The rows of {contract.id} as its source has them now.",
                inputs=(base,),
                outputs=(copied(view, base),),
            )

    def metric_streams(self, metrics: tuple[MetricTable, ...]) -> Iterator[DeclaredJob]:
        for table in metrics:
            if table.view_of:
                continue
            read = sorted({ref.dataset for ref in table.reads})
            yield DeclaredJob(
                namespace=self.settings.spark_namespace,
                name=f"stream.{table.group}.{table.name}",
                kind=STREAM,
                doc=f"Spark: {table.name}, in real time.",
                inputs=tuple(self.datasets.topic(self._known(dataset)) for dataset in read),
                outputs=(self._derived(table, self._metric(table), self._reference),),
            )

    def metric_views(self, metrics: tuple[MetricTable, ...]) -> Iterator[DeclaredJob]:
        tables = {table.name: self._metric(table) for table in metrics}

        def reference(view: MetricTable, ref: ColumnSource[str]) -> ColumnSource[LineageName]:
            base = tables.get(ref.dataset)
            if base is None or ref.field not in {column.name for column in base.columns}:
                raise ValueError(f"metric {view.name}: no metric table has {ref.dataset}.{ref.field}")
            return ColumnSource(base.name, ref.field, ref.how)

        for view in metrics:
            if view.view_of:
                if unknown := [name for name in view.view_of if name not in tables]:
                    raise ValueError(f"metric {view.name}: no metric table is {unknown[0]}")
                output = self._derived(view, tables[view.name], reference)
                inputs = tuple(tables[name] for name in view.view_of)
                yield DeclaredJob(*output.name, VIEW, view.doc, inputs, (output,))

    def _served(self) -> list[Contract]:
        return [c for c in self.contracts if c.serving == "clickhouse" and not c.loaded]

    @property
    def _connect_namespace(self) -> str:
        return f"kafka-connect://{self.settings.connect}"

    def _metric(self, table: MetricTable) -> LineageDataset:
        return LineageDataset(
            name=self.datasets.warehouse_name(table.name),
            kind="VIEW" if table.view_of else "TABLE",
            columns=tuple(Column(c.name, c.type, c.doc) for c in table.columns),
            doc=table.doc,
        )

    @staticmethod
    def _derived(table: MetricTable, dataset: LineageDataset, reference: Reference) -> LineageDataset:
        sources = {
            column.name: tuple(reference(table, ref) for ref in column.sources)
            for column in table.columns
            if column.sources
        }
        return dataset.derived(sources, tuple(reference(table, ref) for ref in table.sources))

    def _reference(self, table: MetricTable, ref: ColumnSource[str]) -> ColumnSource[LineageName]:
        contract = self._known(ref.dataset)
        if contract.record.get(ref.field) is None:
            raise ValueError(
                f"metric {table.name}: {ref.dataset} has no field {ref.field!r}. "
                f"Name one of: {', '.join(f.name for f in contract.record.fields)}"
            )
        return ColumnSource(self.datasets.topic(contract).name, ref.field, ref.how)

    def _known(self, dataset: str) -> Contract:
        if dataset not in self.by_id:
            raise ValueError(f"a metric reads {dataset}, which no contract declares")
        return self.by_id[dataset]
