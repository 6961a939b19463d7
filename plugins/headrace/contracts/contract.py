"""The `Contract` of one dataset and its parts, as frozen dataclasses."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from headrace.contracts.types import Field, Record

SourceKind: TypeAlias = Literal["cdc", "ingest", "pull", "file", "mart", "platform"]
Changes: TypeAlias = Literal["envelope", "append", "upsert"]
Zone: TypeAlias = Literal["raw", "cleaned", "history", "quarantine"]
Serving: TypeAlias = Literal["clickhouse", "postgres", "none"]
Compatibility: TypeAlias = Literal["BACKWARD", "FORWARD", "FULL", "NONE"]
RuleKind: TypeAlias = Literal["library", "sql", "text", "custom"]
Severity: TypeAlias = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Source:
    """Source of a dataset's rows: who brings its records, and what a record means."""

    kind: SourceKind
    """Who brings the records."""
    connection: str = ""
    """Short connection name, e.g. `oltp` (the Airflow connection is `oltp_default`); "" if none."""
    table: str | None = None
    """`schema.table` in the source database; cdc only."""
    changes: Changes | None = None
    """Meaning of a record: a change envelope with the row before and after it (`envelope`), an event that never changes
    (`append`), or the newest state of a key (`upsert`). None for a dataset without records in Kafka."""
    idempotency: tuple[str, ...] = ()
    """Fields that make two records the same one; append only. Empty: the key."""
    version: str | None = None
    """Field by which the newest record of a key is chosen; upsert only."""
    deleted: str | None = None
    """Boolean field that marks a deleted key; upsert only."""


@dataclass(frozen=True, slots=True)
class Role:
    """Role with its access to the dataset."""

    name: str
    access: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Quality rule, as declared."""

    name: str
    kind: RuleKind
    field: str | None
    """The field that the rule checks; None for a rule about the whole dataset."""
    severity: Severity
    definition: Mapping[str, Any] = dataclasses.field(hash=False)
    """The rule's own keys, as in the ODCS document."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Foreign key: the values of these fields must exist in another dataset.

    Rows with a null in one of the fields are not checked.
    """

    name: str
    fields: tuple[str, ...]
    dataset: str
    """Id of the other dataset."""
    to: tuple[str, ...]
    """Fields of the other dataset, in the order of `fields`."""
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Maintenance settings of the dataset's lake tables."""

    target_file_mb: int = 128
    """Target size of rewritten data files, in MiB."""
    keep_days: int = 7
    """Retention of snapshots, in days: how far back the table can be read."""
    keep_snapshots: int = 20
    """Number of newest snapshots that are kept regardless of their age."""
    monthly_tags: int = 0
    """Number of months for which the table can be read as of the month's first maintenance."""
    small_files: int = 200
    """Number of small files after which they are compacted without waiting for the daily maintenance; 0: never."""


@dataclass(frozen=True, slots=True)
class Need:
    """Requirement to read a lake table, of any dataset, as of any moment of the last `days` days."""

    dataset: str
    zone: Zone
    days: int
    line: int = dataclasses.field(default=0, compare=False)
    """Line of the requirement in the .odcs.yaml."""


@dataclass(frozen=True, slots=True)
class Contract:
    """Contract of one dataset. Build it with `loading.load_contracts` or `index.load_index`."""

    id: str
    """`<domain>.<dataset>`."""
    domain: str
    name: str
    version: str
    """Semantic version, `major.minor.patch`."""
    owner: str
    """The team that owns the dataset."""
    record: Record
    key: tuple[str, ...]
    """Names of the key's fields in key order; all are non-null scalars."""
    source: Source
    zones: tuple[Zone, ...]
    """The lake zones that store the dataset."""
    serving: Serving
    partitions: int = 1
    """Number of Kafka partitions of the topic. It never changes once the topic exists."""
    compatibility: Compatibility = "BACKWARD"
    stream_group: str = ""
    """Stream group. The streams of one group share one driver. Default: the domain."""
    freshness_s: float | None = None
    """Promised freshness in seconds; None when no freshness is promised."""
    event_time: str | None = None
    """Field with the event time. The exact lane cuts intervals and partitions by it; None: by commit time."""
    refine_every_s: float | None = None
    """Minimum seconds between two triggered refinements or builds; None: a setting, HEADRACE_REFINE_EVERY_S for one."""
    tokenised: tuple[str, ...] = ()
    """Fields that leave the raw zone only as a keyed hash, in the order of the record."""
    maintenance: Maintenance = Maintenance()
    needs: tuple[Need, ...] = ()
    """Snapshot retention that the dataset requires of lake tables."""
    classifications: Mapping[str, str] = dataclasses.field(default_factory=lambda: _NOTHING, hash=False)
    """Field name → classification, for the fields that have one."""
    roles: tuple[Role, ...] = ()
    quality: tuple[Rule, ...] = ()
    references: tuple[Reference, ...] = ()
    path: str = ""
    """The .avsc file, as shown in messages."""
    outdated: tuple[str, ...] = ()
    """Words of an earlier version in its files, each as a sentence with the word to write now."""

    @property
    def key_fields(self) -> tuple[Field, ...]:
        """Return the key's fields, in key order."""
        return self._fields(self.key)

    @property
    def identity_fields(self) -> tuple[Field, ...]:
        """Return the fields of `identity`, in its order."""
        return self._fields(self.identity)

    def field(self, name: str) -> Field:
        """Return a field of the record. Raises KeyError."""
        (found,) = self._fields((name,))
        return found

    def _fields(self, names: Iterable[str]) -> tuple[Field, ...]:
        by_name = {f.name: f for f in self.record.fields}
        return tuple(by_name[name] for name in names)

    @property
    def terms_path(self) -> str:
        """Return the .odcs.yaml file, as shown in messages."""
        return self.path.removesuffix(".avsc") + ".odcs.yaml"

    @property
    def streamed(self) -> bool:
        """Return whether the records come through Kafka.

        A task lands files, SQL builds marts from other datasets, and the platform writes its own datasets.
        """
        return self.source.changes is not None

    @property
    def captured(self) -> bool:
        """Return whether the records are changes of a source table, as Debezium captures them."""
        return self.source.changes == "envelope"

    @property
    def identity(self) -> tuple[str, ...]:
        """Return the fields that identify a row: records with equal values are one row, wherever they are in Kafka."""
        return self.source.idempotency or self.key

    @property
    def refined(self) -> bool:
        """Return whether refinement builds the dataset's other zones from raw."""
        return {"raw", "cleaned"} <= set(self.zones)

    @property
    def loaded(self) -> bool:
        """Return whether the serving store is fully loaded from the cleaned table instead of fed by a stream."""
        return self.serving != "none" and (not self.streamed or self.serving == "postgres")

    @property
    def major(self) -> int:
        """Return the major version."""
        return int(self.version.partition(".")[0])


_NOTHING: Mapping[str, str] = MappingProxyType({})
