"""Every derived name, once for a cdc and once for an event contract."""

from __future__ import annotations

from headrace.contracts import names
from headrace.contracts.contract import Contract, Source
from headrace.contracts.types import Field, Primitive, Record

RECORD = Record("Row", "retail", "", (Field("id", 1, Primitive("long")),))


def _contract(source: Source, version: str = "1.0.0") -> Contract:
    return Contract(
        id="retail.transactions",
        domain="retail",
        name="transactions",
        version=version,
        owner="till",
        record=RECORD,
        key=("id",),
        source=source,
        zones=("raw",),
        serving="clickhouse",
    )


CDC = _contract(Source("cdc", "oltp", "retail.transactions", "envelope"))
EVENT = _contract(Source("ingest", changes="append"), "12.3.4")


def test_topics_and_subjects() -> None:
    assert names.topic(CDC) == "oltp.retail.transactions"
    assert names.topic(EVENT) == "retail.transactions.v12"
    assert names.subjects(CDC) == ("oltp.retail.transactions-key", "oltp.retail.transactions-value")
    assert names.subjects(EVENT).value == "retail.transactions.v12-value"
    assert names.dead_letter_topic("retail") == "dead-letter.retail"


def test_tables() -> None:
    assert names.raw_table(CDC) == "raw.retail_transactions"
    assert names.lake_table(CDC, "history") == "history.retail_transactions"
    assert names.state_table(CDC) == "retail.transactions_state"
    assert names.changes_table(CDC) == "retail.transactions_changes"
    assert names.view(CDC) == "retail.transactions"
    assert names.dataset_id("retail", "transactions") == "retail.transactions"


def test_connectors_and_connections() -> None:
    assert names.source_connector("oltp") == "cdc-oltp"
    assert names.sink_connector("retail") == "lake-retail"
    assert names.replication_slot("oltp") == "headrace_oltp"
    assert names.publication("oltp") == "headrace_oltp"
    assert names.airflow_connection("oltp") == "oltp_default"
    assert names.stream_dag("retail") == "stream_retail"


def test_lineage() -> None:
    assert names.kafka_lineage("a:9092,b:9092", "t") == ("kafka://a:9092", "t")
    assert names.postgres_lineage("db", 5432, "shop", "retail.t") == ("postgres://db:5432", "shop.retail.t")
    assert names.clickhouse_lineage("ch", 8123, "retail.t") == ("clickhouse://ch:8123", "retail.t")
    assert names.lake_lineage("s3://warehouse/raw/t/") == ("s3://warehouse", "raw/t")
    assert names.lake_symlink("http://catalog:8181/", "raw.t") == ("http://catalog:8181", "raw.t")
