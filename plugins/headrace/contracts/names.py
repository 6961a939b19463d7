"""Every name that follows from a contract: the one place that derives them."""

from __future__ import annotations

from typing import Final, NamedTuple

from headrace.contracts.contract import Contract, Zone

LAKE_CATALOG: Final = "lake"
SINK_CONTROL_TOPIC: Final = "control-iceberg"


class Subjects(NamedTuple):
    """Registry subjects of a topic (TopicNameStrategy)."""

    key: str
    value: str


class LineageName(NamedTuple):
    """What OpenLineage calls a dataset: namespace and name."""

    namespace: str
    name: str


def dataset_id(domain: str, dataset: str) -> str:
    """`<domain>.<dataset>`."""
    return f"{domain}.{dataset}"


def topic(contract: Contract) -> str:
    """The Kafka topic: `<connection>.<schema>.<table>` for cdc, else `<domain>.<dataset>.v<major>`."""
    if contract.source.kind == "cdc":
        return cdc_topic(contract.source.connection, contract.source.table or "")
    return f"{contract.id}.v{contract.major}"


def cdc_topic(connection: str, table: str) -> str:
    """The topic that Debezium gives `schema.table`: its prefix is the connection's name."""
    return f"{connection}.{table}"


def subjects(contract: Contract) -> Subjects:
    """The registry subjects of the dataset's topic."""
    return topic_subjects(topic(contract))


def topic_subjects(name: str) -> Subjects:
    """The registry subjects of any topic."""
    return Subjects(f"{name}-key", f"{name}-value")


def lake_table(contract: Contract, zone: Zone) -> str:
    """`<zone>.<domain>_<dataset>` in the catalog `lake`."""
    return f"{zone}.{contract.domain}_{contract.name}"


def landing_prefix(contract: Contract) -> str:
    """Where in the landing bucket the dataset's files are dropped."""
    return f"{contract.domain}/{contract.name}/"


def raw_table(contract: Contract) -> str:
    """The table that the sink connector writes."""
    return lake_table(contract, "raw")


def state_table(contract: Contract) -> str:
    """ClickHouse: one row a key, the newest, deleted ones marked."""
    return f"{contract.domain}.{contract.name}_state"


def changes_table(contract: Contract) -> str:
    """ClickHouse: every change, in source order."""
    return f"{contract.domain}.{contract.name}_changes"


def stream_tables(contract: Contract) -> tuple[str, ...]:
    """What a stream fills in ClickHouse; the first is what the view reads."""
    changes = changes_table(contract)
    return (state_table(contract), changes) if contract.source.kind == "cdc" else (changes,)


def view(contract: Contract) -> str:
    """ClickHouse: the rows as the source has them now: a view of what a stream feeds, or the table that is loaded."""
    return f"{contract.domain}.{contract.name}"


def source_connector(connection: str) -> str:
    """The Debezium connector that reads one source connection."""
    return f"cdc-{connection}"


def sink_connector(domain: str) -> str:
    """The Iceberg sink that lands one domain."""
    return f"lake-{domain}"


def replication_slot(connection: str) -> str:
    """The PostgreSQL replication slot of a source connection."""
    return f"headrace_{connection}"


def publication(connection: str) -> str:
    """The PostgreSQL publication of a source connection."""
    return f"headrace_{connection}"


def dead_letter_topic(group: str) -> str:
    """Where a stream group or a sink puts the records it cannot read."""
    return f"dead-letter.{group}"


def stream_dag(group: str) -> str:
    """The DAG that keeps one stream group alive."""
    return f"stream_{group}"


def airflow_connection(connection: str) -> str:
    """The Airflow connection of a short connection name: `oltp` → `oltp_default`."""
    return f"{connection}_default"


def kafka_lineage(bootstrap: str, topic_name: str) -> LineageName:
    """`bootstrap` is the first `host:port`."""
    return LineageName(f"kafka://{bootstrap.split(',')[0]}", topic_name)


def postgres_lineage(host: str, port: int, database: str, table: str) -> LineageName:
    """`table` is `schema.table`."""
    return LineageName(f"postgres://{host}:{port}", f"{database}.{table}")


CLICKHOUSE_HTTP_PORT: Final = 8123
"""Where ClickHouse answers HTTP unless a connection says otherwise."""


def clickhouse_lineage(host: str, port: int, table: str) -> LineageName:
    """`table` is `database.table`."""
    return LineageName(f"clickhouse://{host}:{port}", table)


def lake_location(warehouse: str, table: str) -> str:
    """Where a catalog puts `<zone>.<name>` unless it is told otherwise: `<warehouse>/<zone>/<name>`."""
    return f"{warehouse.rstrip('/')}/{table.replace('.', '/', 1)}"


def lake_lineage(location: str) -> LineageName:
    """An Iceberg table by its storage location, e.g. `s3://warehouse/raw/retail_transactions`."""
    scheme, _, rest = location.partition("://")
    bucket, _, path = rest.partition("/")
    return LineageName(f"{scheme}://{bucket}", path.rstrip("/"))


def lake_symlink(catalog_uri: str, table: str) -> LineageName:
    """The catalog's own name of an Iceberg table, as the symlink facet wants it."""
    return LineageName(catalog_uri.rstrip("/"), table)
