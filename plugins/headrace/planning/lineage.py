"""The declared lineage: what the contracts say flows where, job by job and column by column.

Connectors and streaming queries report no lineage, or a wrong one; the contracts know it:

    postgres ──cdc-oltp──► kafka ──lake-retail──► iceberg
                             ├──stream.retail.cdc──► clickhouse state, changes ──view──► view
                             └──stream.retail.metrics──► clickhouse metrics

`lineage_events` turns the jobs into OpenLineage events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.contracts.names import LineageName
from headrace.planning.lineage_types import (
    Column,
    ColumnSource,
    DeclaredJob,
    JobKind,
    LineageDataset,
    LineageSettings,
    MetricTable,
    columns_of_record,
    columns_of_resource,
)
from headrace.planning.resources import Kind, Resource
from headrace.planning.topics import captured, landed, sink_dead_letter_topic

CONNECTOR: Final = JobKind("STREAMING", "KAFKA_CONNECT", "CONNECTOR")
STREAM: Final = JobKind("STREAMING", "SPARK", "QUERY")
VIEW: Final = JobKind("BATCH", "CLICKHOUSE", "VIEW", long_lived=False)

Reference: TypeAlias = Callable[[MetricTable, ColumnSource[str]], ColumnSource[LineageName]]
"""A declared source of a metric table's column → OpenLineage's name for it. Raises ValueError."""


def declared(
    contracts: Iterable[Contract],
    settings: LineageSettings,
    resources: Iterable[Resource] = (),
    metrics: Iterable[MetricTable] = (),
) -> tuple[DeclaredJob, ...]:
    """Every job that the contracts imply, in the order in which data flows.

    `resources` (the desired state) gives lake and warehouse tables their own types and their
    metadata columns; a table that is not among them is described by its contract.

    Raises:
        ValueError: a contract names a source connection that the settings do not have, or a
            metric reads a dataset or a field that no contract declares.
    """
    graph = _Graph(tuple(contracts), settings, {r.key: r for r in resources})
    return (
        *graph.source_connectors(),
        *graph.sink_connectors(),
        *graph.change_streams(),
        *graph.views(),
        *graph.metric_streams(tuple(metrics)),
        *graph.metric_views(tuple(metrics)),
    )


class _Graph:
    def __init__(
        self,
        contracts: tuple[Contract, ...],
        settings: LineageSettings,
        resources: Mapping[tuple[Kind, str], Resource],
    ) -> None:
        self.contracts = contracts
        self.settings = settings
        self.resources = resources
        self.by_id = {contract.id: contract for contract in contracts}

    def source_connectors(self) -> Iterator[DeclaredJob]:
        for contract in captured(self.contracts):
            source, topic = self._source(contract), self._topic(contract)
            yield DeclaredJob(
                namespace=self._connect_namespace,
                name=f"{names.source_connector(contract.source.connection or '')}.{topic.name.name}",
                kind=CONNECTOR,
                doc=f"Debezium: every change of {source.name.name}, into its topic.",
                inputs=(source,),
                outputs=(_copy(topic, contract, source),),
            )

    def sink_connectors(self) -> Iterator[DeclaredJob]:
        for contract in landed(self.contracts):
            topic, connector = self._topic(contract), names.sink_connector(contract.domain)
            yield DeclaredJob(
                namespace=self._connect_namespace,
                name=f"{connector}.{names.raw_table(contract)}",
                kind=CONNECTOR,
                doc=f"Iceberg sink: every change of {contract.id}, into the raw zone of the lake.",
                inputs=(topic,),
                outputs=(
                    _copy(self._raw(contract), contract, topic),
                    self._dead_letters(sink_dead_letter_topic(contract.domain)),
                ),
            )

    def change_streams(self) -> Iterator[DeclaredJob]:
        for contract in self._served():
            topic = self._topic(contract)
            tables = (self._warehouse(contract, table) for table in names.stream_tables(contract))
            yield DeclaredJob(
                namespace=self.settings.spark_namespace,
                name=f"stream.{contract.stream_group}.cdc.{contract.id}",
                kind=STREAM,
                doc=f"Spark: current state and change history of {contract.id}.",
                inputs=(topic,),
                outputs=(
                    *(_copy(table, contract, topic) for table in tables),
                    self._dead_letters(names.dead_letter_topic(contract.stream_group)),
                ),
            )

    def views(self) -> Iterator[DeclaredJob]:
        for contract in self._served():
            base = self._warehouse(contract, names.stream_tables(contract)[0])
            columns = tuple(c for c in base.columns if contract.record.get(c.name))
            name = self._warehouse_name(names.view(contract))
            yield DeclaredJob(
                namespace=name.namespace,
                name=name.name,
                kind=VIEW,
                doc=f"The rows of {contract.id} as its source has them now.",
                inputs=(base,),
                outputs=(_copy(_described(name, contract, "VIEW", columns), contract, base),),
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
                inputs=tuple(self._topic(self._known(dataset)) for dataset in read),
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
                output = self._derived(view, tables[view.name], reference)
                inputs = tuple(tables[name] for name in view.view_of)
                yield DeclaredJob(*output.name, VIEW, view.doc, inputs, (output,))

    def _served(self) -> list[Contract]:
        return [c for c in self.contracts if c.serving == "clickhouse" and not c.loaded]

    @property
    def _connect_namespace(self) -> str:
        return f"kafka-connect://{self.settings.connect}"

    def _warehouse_name(self, table: str) -> LineageName:
        return names.clickhouse_lineage(self.settings.warehouse_host, self.settings.warehouse_port, table)

    def _source(self, contract: Contract) -> LineageDataset:
        database = self.settings.sources.get(contract.source.connection)
        if database is None:
            raise ValueError(
                f"{contract.id} is read from {contract.source.connection!r}, which lineage has no "
                f"address for; it knows: {', '.join(self.settings.sources) or 'none'}"
            )
        table = contract.source.table or ""
        name = names.postgres_lineage(database.host, database.port, database.database, table)
        return _described(name, contract, "TABLE", columns_of_record(contract.record, types=False))

    def _topic(self, contract: Contract) -> LineageDataset:
        name = names.kafka_lineage(self.settings.kafka, names.topic(contract))
        return _described(name, contract, "TOPIC", columns_of_record(contract.record))

    def _dead_letters(self, topic: str) -> LineageDataset:
        name = names.kafka_lineage(self.settings.kafka, topic)
        return LineageDataset(name, "TOPIC", doc="Records that could not be read, as they came.")

    def _raw(self, contract: Contract) -> LineageDataset:
        table = names.raw_table(contract)
        return _described(
            names.lake_lineage(self.settings.location(table)),
            contract,
            "TABLE",
            self._columns("lake_table", table, contract),
            symlink=names.lake_symlink(self.settings.catalog, table),
        )

    def _warehouse(self, contract: Contract, table: str) -> LineageDataset:
        columns = self._columns("warehouse_table", table, contract)
        return _described(self._warehouse_name(table), contract, "TABLE", columns)

    def _columns(self, kind: Kind, table: str, contract: Contract) -> tuple[Column, ...]:
        resource = self.resources.get((kind, table))
        return columns_of_resource(resource) if resource else columns_of_record(contract.record)

    def _metric(self, table: MetricTable) -> LineageDataset:
        return LineageDataset(
            name=self._warehouse_name(table.name),
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
        return ColumnSource(self._topic(contract).name, ref.field, ref.how)

    def _known(self, dataset: str) -> Contract:
        if dataset not in self.by_id:
            raise ValueError(f"a metric reads {dataset}, which no contract declares")
        return self.by_id[dataset]


def _described(
    name: LineageName,
    contract: Contract,
    kind: str,
    columns: tuple[Column, ...],
    symlink: LineageName | None = None,
) -> LineageDataset:
    return LineageDataset(
        name=name,
        kind=kind,
        columns=columns,
        doc=contract.record.doc,
        owner=contract.owner,
        tags=tuple(sorted(contract.classifications.items())),
        symlink=symlink,
    )


def _copy(dataset: LineageDataset, contract: Contract, origin: LineageDataset) -> LineageDataset:
    return dataset.derived({field.name: (ColumnSource(origin.name, field.name),) for field in contract.record.fields})
