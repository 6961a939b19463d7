"""The declared lineage: what the contracts say flows where, job by job and column by column.

Connectors and streaming queries report no lineage, or a wrong one; the contracts know it:

    postgres ──cdc-oltp──► kafka ──lake-retail──► iceberg
                             ├──stream.retail.cdc──► clickhouse state, changes ──view──► view
                             └──stream.retail.metrics──► clickhouse metrics

`lineage_events` turns the jobs into OpenLineage events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

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
from headrace.planning.topics import captured, grouped, landed, sink_dead_letter_topic

CONNECTOR: Final = JobKind("STREAMING", "KAFKA_CONNECT", "CONNECTOR")
STREAM: Final = JobKind("STREAMING", "SPARK", "QUERY")
VIEW: Final = JobKind("BATCH", "CLICKHOUSE", "VIEW", long_lived=False)


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
        by_connection = grouped(captured(self.contracts), lambda c: c.source.connection)
        for connection, members in by_connection.items():
            yield DeclaredJob(
                namespace=self._connect_namespace,
                name=names.source_connector(connection),
                kind=CONNECTOR,
                doc=f"Debezium: every change in {connection}, into one topic a table.",
                inputs=tuple(self._source(c) for c in members),
                outputs=tuple(_copy(self._topic(c), c, self._source(c)) for c in members),
            )

    def sink_connectors(self) -> Iterator[DeclaredJob]:
        for domain, members in grouped(landed(self.contracts), lambda c: c.domain).items():
            yield DeclaredJob(
                namespace=self._connect_namespace,
                name=names.sink_connector(domain),
                kind=CONNECTOR,
                doc=f"Iceberg sink: every change in {domain}, into the raw zone of the lake.",
                inputs=tuple(self._topic(c) for c in members),
                outputs=(
                    *(_copy(self._raw(c), c, self._topic(c)) for c in members),
                    self._dead_letters(sink_dead_letter_topic(domain)),
                ),
            )

    def change_streams(self) -> Iterator[DeclaredJob]:
        for group, members in grouped(self._served(), lambda c: c.stream_group).items():
            yield DeclaredJob(
                namespace=self.settings.spark_namespace,
                name=f"stream.{group}.cdc",
                kind=STREAM,
                doc=f"Spark: current state and change history of stream group {group}.",
                inputs=tuple(self._topic(c) for c in members),
                outputs=(
                    *(
                        _copy(self._warehouse(c, table), c, self._topic(c))
                        for c in members
                        for table in names.stream_tables(c)
                    ),
                    self._dead_letters(names.dead_letter_topic(group)),
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
        for group in sorted({table.group for table in metrics}):
            tables = [table for table in metrics if table.group == group]
            read = sorted({ref.dataset for table in tables for ref in table.reads})
            yield DeclaredJob(
                namespace=self.settings.spark_namespace,
                name=f"stream.{group}.metrics",
                kind=STREAM,
                doc=f"Spark: real-time metrics of stream group {group}.",
                inputs=tuple(self._topic(self._known(dataset)) for dataset in read),
                outputs=tuple(self._metric(table) for table in tables),
            )

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
        dataset = LineageDataset(
            name=self._warehouse_name(table.name),
            kind="TABLE",
            columns=tuple(Column(c.name, c.type, c.doc) for c in table.columns),
            doc=table.doc,
        )
        sources = {
            column.name: tuple(self._reference(table, ref) for ref in column.sources)
            for column in table.columns
            if column.sources
        }
        return dataset.derived(sources, tuple(self._reference(table, r) for r in table.sources))

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
