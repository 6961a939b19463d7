"""Settings of a plan besides the contracts: endpoints, references to secrets, tuning.

Settings never contain secrets. A setting that ends in `_ref` holds a reference that the Connect worker resolves from
its own environment, such as `${env:HEADRACE_PASSWORD_CDC}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Literal, TypeAlias

CatalogKind: TypeAlias = Literal["rest", "jdbc"]


@dataclass(frozen=True, slots=True)
class SourceDatabase:
    """A PostgreSQL database that Debezium reads, with the address for the Connect worker."""

    host: str
    port: int
    database: str
    user: str = "cdc"
    """Role with replication and read privileges; a name or a reference."""
    password_ref: str = "${env:HEADRACE_PASSWORD_CDC}"  # noqa: S105 - a reference


@dataclass(frozen=True, slots=True)
class Catalog:
    """The Iceberg catalog and its object store, with the addresses for the Connect worker."""

    kind: CatalogKind
    uri: str
    """rest: `http://host:port`; jdbc: `jdbc:postgresql://host:port/database`."""
    warehouse: str
    """Location of the tables, e.g. `s3://warehouse`."""
    s3_endpoint: str
    s3_region: str = "us-east-1"
    s3_access_key_ref: str = "${env:HEADRACE_S3_ACCESS_KEY}"
    s3_secret_key_ref: str = "${env:HEADRACE_S3_SECRET_KEY}"  # noqa: S105 - a reference
    credential_ref: str = "${env:HEADRACE_CATALOG_CREDENTIAL}"
    """rest: OAuth2 `id:secret`; empty when the catalog needs none."""
    oauth2_uri: str = ""
    """rest: token endpoint; empty: `<uri>/v1/oauth/tokens`."""
    user: str = "lake"
    """jdbc: role in the catalog's database."""
    password_ref: str = "${env:HEADRACE_PASSWORD_LAKE_DB}"  # noqa: S105 - a reference
    """jdbc: password of the role."""


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """All inputs of the desired state besides the contracts."""

    kafka_bootstrap: str
    """`host:port[,host:port]`, as the Connect worker reaches it."""
    registry_url: str
    """Base URL of the registry, e.g. `http://127.0.0.1:18081`."""
    sources: Mapping[str, SourceDatabase] = field(hash=False)
    """Short connection name → database."""
    catalog: Catalog
    kafka_login: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Kafka login of clients inside the Connect worker: Java client options, with secrets as references."""
    registry_user: str = ""
    """Registry user of the worker's converters; empty: no authentication."""
    registry_password_ref: str = "${env:HEADRACE_PASSWORD_REGISTRY_CONNECT}"  # noqa: S105 - a reference
    replication_factor: int = 1
    """Replication factor of topics that a connector creates."""
    topic_retention_ms: int = 604_800_000
    """Retention of data topics. The lake keeps the records permanently."""
    dead_letter_retention_ms: int = 2_592_000_000
    """Retention of dead-letter topics."""
    topic_compression: str = "producer"
    poll_interval_ms: int = 20
    """Wait of Debezium between two polls for changes. It adds to the freshness of every row."""
    max_batch_size: int = 8192
    """Maximum number of changes in one Debezium batch."""
    max_queue_size: int = 32768
    """Maximum number of changes in Debezium's memory."""
    max_queue_bytes: int = 67_108_864
    """Maximum size in bytes of the changes in Debezium's memory."""
    snapshot_fetch_size: int = 10_000
    heartbeat_interval_ms: int = 10_000
    """Interval in which Debezium confirms its position, also when the captured tables are idle."""
    producer_compression: str = "lz4"
    producer_linger_ms: int = 5
    producer_batch_size: int = 262_144
    """Batch size in bytes."""
    sink_tasks: int = 1
    sink_commit_interval_ms: int = 10_000
    """Interval of the sink's commits to the lake. It determines the freshness and the number of snapshots."""
    sink_commit_timeout_ms: int = 30_000
    source_config: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Additional configuration of every source connector, e.g. TLS. It overrides the plan's values."""
    sink_config: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Additional configuration of every sink connector. It overrides the plan's values."""

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> PlanSettings:
        """Build the settings from JSON-like values; `sources` and `catalog` are mappings themselves.

        Raises ValueError with every unknown or missing key, and for an unknown kind of catalog.
        """
        given = _checked(cls, values, "")
        given["catalog"] = Catalog(**_checked(Catalog, values["catalog"], "catalog."))
        given["sources"] = {
            name: SourceDatabase(**_checked(SourceDatabase, source, f"sources.{name}."))
            for name, source in values["sources"].items()
        }
        if given["catalog"].kind not in ("rest", "jdbc"):
            raise ValueError(f"catalog.kind is {given['catalog'].kind!r}; it may be rest or jdbc")
        return cls(**given)


def _checked(cls: type[Any], values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    known = {f.name for f in fields(cls)}
    needed = {f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING}
    problems = [f"{prefix}{name} is unknown" for name in sorted(values.keys() - known)]
    problems += [f"{prefix}{name} is missing" for name in sorted(needed - values.keys())]
    if problems:
        raise ValueError(f"plan settings: {', '.join(problems)}")
    return dict(values)
