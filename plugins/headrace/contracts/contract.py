"""A contract: everything declared about one dataset, as a frozen value."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from headrace.contracts.types import Field, Record

SourceKind: TypeAlias = Literal["cdc", "event", "file", "api", "mart", "platform"]
Zone: TypeAlias = Literal["raw", "cleaned", "history", "quarantine"]
Serving: TypeAlias = Literal["clickhouse", "postgres", "none"]
Compatibility: TypeAlias = Literal["BACKWARD", "FORWARD", "FULL", "NONE"]
RuleKind: TypeAlias = Literal["library", "sql", "text", "custom"]
Severity: TypeAlias = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows come from."""

    kind: SourceKind
    connection: str = ""
    """Short connection name, e.g. `oltp` (the Airflow connection is `oltp_default`); "" if none."""
    table: str | None = None
    """`schema.table` in the source database; cdc only."""


@dataclass(frozen=True, slots=True)
class Role:
    """Who may do what with the dataset."""

    name: str
    access: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One quality rule, as declared."""

    name: str
    kind: RuleKind
    field: str | None
    """The field it is about; None for a rule about the whole dataset."""
    severity: Severity
    definition: Mapping[str, Any] = dataclasses.field(hash=False)
    """The rule's own keys, as in the ODCS document."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What these fields say is there in another dataset; a row in which one of them is null says nothing."""

    name: str
    fields: tuple[str, ...]
    dataset: str
    """Id of the other dataset."""
    to: tuple[str, ...]
    """Its fields, in the order of `fields`."""
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Maintenance:
    """How the dataset's lake tables are looked after."""

    target_file_mb: int = 128
    """Size to which data files are rewritten, MiB."""
    keep_days: int = 7
    """Snapshots younger than this are kept: how far back a table can be read as it was."""
    keep_snapshots: int = 20
    """So many of the newest are kept, however old."""
    monthly_tags: int = 0
    """For so many months the table can be read as it was at each month's first maintenance."""
    small_files: int = 200
    """When so many small files have come, they are compacted without waiting for the day's maintenance; 0: never."""


@dataclass(frozen=True, slots=True)
class Need:
    """That a lake table, of this or of another dataset, can be read as it was, at any moment of so many days."""

    dataset: str
    zone: Zone
    days: int
    line: int = dataclasses.field(default=0, compare=False)
    """Where it is said in the .odcs.yaml."""


@dataclass(frozen=True, slots=True)
class Contract:
    """One dataset. Build it by `loading.load_contracts` or `index.load_index`."""

    id: str
    """`<domain>.<dataset>`."""
    domain: str
    name: str
    version: str
    """Semantic version, `major.minor.patch`."""
    owner: str
    """The team that answers for the dataset."""
    record: Record
    key: tuple[str, ...]
    """Names of the key's fields in key order; all are non-null scalars."""
    source: Source
    zones: tuple[Zone, ...]
    """The lake zones in which the dataset is kept."""
    serving: Serving
    partitions: int = 1
    """Kafka partitions of the topic; never changes once the topic exists."""
    compatibility: Compatibility = "BACKWARD"
    stream_group: str = ""
    """Streams of one group share one driver; the domain unless declared."""
    freshness_s: float | None = None
    """Promised freshness in seconds; None when nothing is promised."""
    event_time: str | None = None
    """The field that says when it happened: intervals and partitions of the exact lane go by it; None: by commit."""
    refine_every_s: float | None = None
    """Least seconds between two refinements that landed rows begin; None: what HEADRACE_REFINE_EVERY_S says."""
    tokenised: tuple[str, ...] = ()
    """Fields that leave the raw zone only as a keyed hash, in the order of the record."""
    maintenance: Maintenance = Maintenance()
    needs: tuple[Need, ...] = ()
    """What the dataset needs of the lake's past."""
    classifications: Mapping[str, str] = dataclasses.field(default_factory=lambda: _NOTHING, hash=False)
    """Field name → classification, for the fields that have one."""
    roles: tuple[Role, ...] = ()
    quality: tuple[Rule, ...] = ()
    references: tuple[Reference, ...] = ()
    path: str = ""
    """The .avsc file, as messages name it."""

    @property
    def key_fields(self) -> tuple[Field, ...]:
        """The key's fields, in key order."""
        by_name = {f.name: f for f in self.record.fields}
        return tuple(by_name[name] for name in self.key)

    @property
    def terms_path(self) -> str:
        """The .odcs.yaml file, as messages name it."""
        return self.path.removesuffix(".avsc") + ".odcs.yaml"

    @property
    def streamed(self) -> bool:
        """Whether its records come through Kafka; files are landed by a task, marts are made out of other
        datasets, and some the platform writes itself.
        """
        return self.source.kind not in ("file", "mart", "platform")

    @property
    def loaded(self) -> bool:
        """Whether the store that serves it is loaded from its cleaned table, whole, instead of fed by a stream."""
        return self.serving != "none" and (not self.streamed or self.serving == "postgres")

    @property
    def major(self) -> int:
        """The major version."""
        return int(self.version.partition(".")[0])


_NOTHING: Mapping[str, str] = MappingProxyType({})
