"""Settings of a streaming driver, all from environment variables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from headrace.contracts.applied import ENVIRONMENT, applied_index
from headrace.systems.endpoint import Endpoint


def _setting(name: str, default: Any = MISSING) -> Any:
    metadata = {"environment": name}
    if isinstance(default, dict):
        return field(metadata=metadata, default_factory=dict)
    return field(metadata=metadata, default=default)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class StreamSettings:
    """Settings of one driver; `repr` shows none. Those without a default are required. All secrets come from here."""

    checkpoints: str = _setting("HEADRACE_STREAM_CHECKPOINTS")
    """Folder (or Hadoop URI) of this group's checkpoints, one subfolder per query.

    Without it the streams start from the beginning.
    """
    kafka: str = _setting("HEADRACE_KAFKA_BOOTSTRAP")
    """Bootstrap servers, `host:port[,host:port]`."""
    registry: str = _setting("HEADRACE_REGISTRY_URL")
    """Base URL of the registry's Confluent API, e.g. `http://127.0.0.1:18081/apis/ccompat/v7`."""
    registry_user: str = _setting("HEADRACE_REGISTRY_USER", "")
    """User that may read schemas; empty: the registry needs no login."""
    registry_password: str = _setting("HEADRACE_REGISTRY_PASSWORD", "")
    """Password of that user."""
    clickhouse_host: str = _setting("HEADRACE_CLICKHOUSE_HOST")
    """Host of ClickHouse's HTTP interface."""
    clickhouse_port: int = _setting("HEADRACE_CLICKHOUSE_PORT")
    """Port of ClickHouse's HTTP interface."""
    clickhouse_user: str = _setting("HEADRACE_CLICKHOUSE_USER", "default")
    """User that may read and insert."""
    clickhouse_password: str = _setting("HEADRACE_CLICKHOUSE_PASSWORD", "")
    """Password of that user."""
    clickhouse_secure: bool = _setting("HEADRACE_CLICKHOUSE_SECURE", default=False)
    """Whether ClickHouse is used over TLS: true or false."""
    platform_dsn: str = _setting("HEADRACE_PLATFORM_DSN", "")
    """DSN of the platform's PostgreSQL, for heartbeats; empty: no heartbeats."""
    contracts: str = _setting(ENVIRONMENT, str(applied_index(Path(__file__).parents[3])))
    """Index of the applied contracts, or a folder of contracts."""
    kafka_options: Mapping[str, str] = _setting("HEADRACE_KAFKA_OPTIONS", {})
    """Further options of every Kafka client (TLS, SASL), as a JSON object with librdkafka's names."""
    spark_master: str = _setting("HEADRACE_SPARK_MASTER", "local[2]")
    """Spark master URL."""
    spark_jars: str = _setting("HEADRACE_SPARK_JARS", "")
    """Folder of the jars that pyspark does not include; empty: they are on Spark's class path."""
    spark_memory: str = _setting("HEADRACE_SPARK_MEMORY", "768m")
    """Heap size of the driver's JVM."""
    spark_options: Mapping[str, str] = _setting("HEADRACE_SPARK_OPTIONS", {})
    """Further Spark configuration, as a JSON object; overrides the driver's own."""
    trigger_ms: int = _setting("HEADRACE_STREAM_TRIGGER_MS", 150)
    """Shortest interval between two batches of changes, ms. Shorter is fresher, but costs CPU and makes small parts."""
    metrics_trigger_ms: int = _setting("HEADRACE_STREAM_METRICS_TRIGGER_MS", 5000)
    """Shortest interval between two batches of metrics, ms."""
    batch_records: int = _setting("HEADRACE_STREAM_BATCH_RECORDS", 50_000)
    """Maximum Kafka records in one batch; limits memory during catch-up."""
    patience_s: float = _setting("HEADRACE_STREAM_PATIENCE_S", 900.0)
    """Seconds for which a batch waits for a system that does not answer, before its query fails."""
    restarts: int = _setting("HEADRACE_STREAM_RESTARTS", 8)
    """Failures of one query within the window after which it stays down."""
    restart_window_s: float = _setting("HEADRACE_STREAM_RESTART_WINDOW_S", 600.0)
    """Length of that window, s."""

    def clickhouse(self) -> Endpoint:
        """Return the endpoint of ClickHouse."""
        return Endpoint(
            host=self.clickhouse_host,
            port=self.clickhouse_port,
            login=self.clickhouse_user,
            password=self.clickhouse_password,
            extra={"secure": self.clickhouse_secure},
        )

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> StreamSettings:
        """Read the environment. Raises ValueError with every variable that is missing or invalid."""
        values: dict[str, Any] = {}
        problems = []
        for setting in fields(cls):
            name = setting.metadata["environment"]
            text = environ.get(name, "")
            if not text:
                if _is_required(setting):
                    problems.append(f"{name} is not set")
                continue
            try:
                values[setting.name] = READERS.get(str(setting.type), str)(text)
            except ValueError:
                shown = "" if setting.type in MAY_HOLD_SECRETS else f"={text!r}"
                problems.append(f"{name}{shown} is not of type {setting.type}")
        if problems:
            raise ValueError(f"stream settings: {'; '.join(problems)}")
        return cls(**values)


def _is_required(setting: Field[Any]) -> bool:
    return setting.default is MISSING and setting.default_factory is MISSING


def _options(text: str) -> Mapping[str, str]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(text)
    return {str(key): str(item) for key, item in value.items()}


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


MAY_HOLD_SECRETS = ("Mapping[str, str]",)
READERS: Mapping[str, Any] = {"int": int, "float": float, "Mapping[str, str]": _options, "bool": _flag}
