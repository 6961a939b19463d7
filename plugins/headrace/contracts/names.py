"""Derive all names of a contract: topics, subjects, tables, connectors, DAGs, connections, lineage names."""

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
    """OpenLineage name of a dataset: namespace and name."""

    namespace: str
    name: str


def dataset_id(domain: str, dataset: str) -> str:
    """Return `<domain>.<dataset>`."""
    return f"{domain}.{dataset}"


def topic(contract: Contract) -> str:
    """Return the Kafka topic: `<connection>.<schema>.<table>` for cdc, else `<domain>.<dataset>.v<major>`."""
    if contract.captured:
        return cdc_topic(contract.source.connection, contract.source.table or "")
    return f"{contract.id}.v{contract.major}"


def cdc_topic(connection: str, table: str) -> str:
    """Return the topic that Debezium writes for `schema.table`. Its prefix is the connection's name."""
    return f"{connection}.{table}"


def subjects(contract: Contract) -> Subjects:
    """Return the registry subjects of the dataset's topic."""
    return topic_subjects(topic(contract))


def topic_subjects(name: str) -> Subjects:
    """Return the registry subjects of any topic."""
    return Subjects(f"{name}-key", f"{name}-value")


def lake_table(contract: Contract, zone: Zone) -> str:
    """Return `<zone>.<domain>_<dataset>`, the table in the catalog `lake`."""
    return f"{zone}.{contract.domain}_{contract.name}"


def landing_prefix(contract: Contract) -> str:
    """Return the folder of the dataset's files in the landing bucket."""
    return f"{contract.domain}/{contract.name}/"


def raw_table(contract: Contract) -> str:
    """Return the lake table that the sink connector writes."""
    return lake_table(contract, "raw")


def state_table(contract: Contract) -> str:
    """Return the ClickHouse table with one row per identity. Deleted rows are marked."""
    return f"{contract.domain}.{contract.name}_state"


def changes_table(contract: Contract) -> str:
    """Return the ClickHouse table with every record, by its position in Kafka."""
    return f"{contract.domain}.{contract.name}_changes"


def stream_tables(contract: Contract) -> tuple[str, ...]:
    """Return the ClickHouse tables that a stream fills: state, which the view reads, and changes."""
    return state_table(contract), changes_table(contract)


def view(contract: Contract) -> str:
    """Return the ClickHouse relation with the source's current rows: a view of streamed tables, or a loaded table."""
    return f"{contract.domain}.{contract.name}"


def source_connector(connection: str) -> str:
    """Return the Debezium connector of a source connection."""
    return f"cdc-{connection}"


def sink_connector(domain: str) -> str:
    """Return the Iceberg sink connector of a domain."""
    return f"lake-{domain}"


def replication_slot(connection: str) -> str:
    """Return the PostgreSQL replication slot of a source connection."""
    return f"headrace_{connection}"


def publication(connection: str) -> str:
    """Return the PostgreSQL publication of a source connection."""
    return f"headrace_{connection}"


def dead_letter_topic(group: str) -> str:
    """Return the dead-letter topic of a stream group or a connector."""
    return f"dead-letter.{group}"


def stream_dag(group: str) -> str:
    """Return the DAG that keeps a stream group running."""
    return f"stream_{group}"


def refine_dag(contract: Contract) -> str:
    """Return the DAG that refines the dataset from raw."""
    return f"refine_{contract.domain}_{contract.name}"


def mart_dag(contract: Contract) -> str:
    """Return the DAG that builds and serves the mart."""
    return f"mart_{contract.name}"


def airflow_connection(connection: str) -> str:
    """Return the Airflow connection of a short connection name: `oltp` → `oltp_default`."""
    return f"{connection}_default"


def kafka_lineage(bootstrap: str, topic_name: str) -> LineageName:
    """Return the lineage name of a topic. The first `host:port` of `bootstrap` names the cluster."""
    return LineageName(f"kafka://{bootstrap.split(',')[0]}", topic_name)


def postgres_lineage(host: str, port: int, database: str, table: str) -> LineageName:
    """Return the lineage name of a PostgreSQL table. `table` is `schema.table`."""
    return LineageName(f"postgres://{host}:{port}", f"{database}.{table}")


CLICKHOUSE_HTTP_PORT: Final = 8123
"""Default HTTP port of ClickHouse."""


def clickhouse_lineage(host: str, port: int, table: str) -> LineageName:
    """Return the lineage name of a ClickHouse table. `table` is `database.table`."""
    return LineageName(f"clickhouse://{host}:{port}", table)


def lake_location(warehouse: str, table: str) -> str:
    """Return the default location of a lake table: `<warehouse>/<zone>/<name>`."""
    return f"{warehouse.rstrip('/')}/{table.replace('.', '/', 1)}"


def lake_lineage(location: str) -> LineageName:
    """Return the lineage name of an Iceberg table at a location, e.g. `s3://warehouse/raw/retail_transactions`."""
    scheme, _, rest = location.partition("://")
    bucket, _, path = rest.partition("/")
    return LineageName(f"{scheme}://{bucket}", path.rstrip("/"))


def lake_symlink(catalog_uri: str, table: str) -> LineageName:
    """Return the catalog's name of an Iceberg table, for the symlink facet."""
    return LineageName(catalog_uri.rstrip("/"), table)
