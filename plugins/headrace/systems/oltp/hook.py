"""A source database: rows, table shapes, publication and replication slot.

Connection `oltp_default`, type postgres. Its role reads the tables; to drop a slot it must have
REPLICATION.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from headrace.errors import SystemRefused
from headrace.systems.endpoint import Endpoint
from headrace.systems.postgres import PostgresClient
from headrace.systems.retry import Backoff

WalStatus: TypeAlias = Literal["reserved", "extended", "unreserved", "lost"]

COLUMNS: Final = """
    SELECT n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
           NOT a.attnotnull,
           coalesce(a.attnum = ANY (k.conkey), false),
           a.attgenerated <> ''
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
     WHERE n.nspname || '.' || c.relname = ANY (%s) AND c.relkind IN ('r', 'p')
     ORDER BY 1, a.attnum"""
IDENTITY: Final = """
    SELECT n.nspname || '.' || c.relname,
           ARRAY(SELECT pn.nspname || '.' || leaf.relname
                   FROM pg_partition_tree(c.oid) t
                   JOIN pg_class leaf ON leaf.oid = t.relid
                   JOIN pg_namespace pn ON pn.oid = leaf.relnamespace
                  WHERE t.isleaf AND leaf.relkind = 'r'
                  ORDER BY 1),
           ARRAY(SELECT pn.nspname || '.' || member.relname
                   FROM (SELECT c.oid AS relid UNION SELECT relid FROM pg_partition_tree(c.oid)) t
                   JOIN pg_class member ON member.oid = t.relid
                   JOIN pg_namespace pn ON pn.oid = member.relnamespace
                  WHERE member.relreplident <> 'f'
                  ORDER BY 1),
           c.relkind = 'p',
           coalesce(has_schema_privilege(r.oid, n.oid, 'USAGE'), true),
           coalesce(has_table_privilege(r.oid, c.oid, 'SELECT'), true)
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_roles r ON r.rolname = %s
     WHERE n.nspname || '.' || c.relname = ANY (%s) AND c.relkind IN ('r', 'p')"""
PUBLICATION: Final = """
    SELECT p.pubviaroot,
           p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate,
           ARRAY(SELECT schemaname || '.' || tablename FROM pg_publication_tables t WHERE t.pubname = p.pubname)
      FROM pg_publication p WHERE p.pubname = %s"""
FILLED: Final = """
    SELECT n.nspname || '.' || c.relname, a.attname
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname || '.' || c.relname = ANY (%s) AND a.attnum > 0 AND NOT a.attisdropped AND a.atthasmissing"""
EMPTY_ENUMS: Final = """
    SELECT n.nspname || '.' || t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
     WHERE t.typtype = 'e' AND NOT EXISTS (SELECT FROM pg_enum e WHERE e.enumtypid = t.oid)
     ORDER BY 1"""
SLOT: Final = """
    SELECT slot_name, active, active_pid, wal_status,
           coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn), 0)::bigint,
           coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint,
           safe_wal_size
      FROM pg_replication_slots WHERE slot_name = %s"""

WRITES: Final = """
    SELECT schemaname || '.' || relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables
     WHERE schemaname || '.' || relname = ANY (%s)"""
POSITIONS: Final = """
    SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint,
           pg_wal_lsn_diff(confirmed_flush_lsn, '0/0')::bigint
      FROM pg_replication_slots WHERE slot_name = %s AND confirmed_flush_lsn IS NOT NULL"""


class Column(NamedTuple):
    """A column as PostgreSQL has it."""

    name: str
    type: str
    """As `format_type` writes it: `numeric(12,2)`, `timestamp with time zone`."""
    nullable: bool
    in_key: bool
    generated: bool = False
    """Whether PostgreSQL computes it from other columns."""


class Table(NamedTuple):
    """A table as PostgreSQL has it."""

    name: str
    """`schema.table`."""
    columns: tuple[Column, ...]
    not_full: tuple[str, ...] = ()
    """Of the table and its partitions, those whose updates and deletes do not log the whole old row."""
    partitioned: bool = False
    partitions: tuple[str, ...] = ()
    """The partitions that hold its rows."""
    usable: bool = True
    """Whether the connector's role may use the schema."""
    readable: bool = True
    """Whether the connector's role may read the table."""


class Publication(NamedTuple):
    """A publication as PostgreSQL has it."""

    via_root: bool
    """Whether changes of partitions are published as changes of the partitioned table."""
    every_operation: bool
    """Whether it publishes insert, update, delete and truncate."""
    tables: frozenset[str]
    """`schema.table` of each table whose changes it carries."""


class Slot(NamedTuple):
    """A replication slot and how far it is behind."""

    name: str
    active: bool
    pid: int | None
    wal_status: WalStatus | None
    """`lost`: the log it needs is gone. `unreserved`: it will be at the next checkpoint."""
    lag_bytes: int
    """Log written and not yet confirmed by the reader."""
    held_bytes: int
    """Log kept for the slot."""
    safe_bytes: int | None
    """Log that may still be written before the slot is in danger; None without a limit."""

    @property
    def lost(self) -> bool:
        """Whether only a fresh snapshot helps."""
        return self.wal_status == "lost"


class Progress(NamedTuple):
    """How far the log was written, and how far a slot's reader has confirmed it; positions in bytes."""

    written: int
    confirmed: int
    writes: Mapping[str, int]
    """`schema.table` → rows inserted, updated and deleted since the server counts."""


class OltpHook:
    """Looks at a source database, and drops slots."""

    default_conn_name = "oltp_default"

    def __init__(self, endpoint: Endpoint, *, backoff: Backoff | None = None) -> None:
        self._db = PostgresClient(
            "oltp",
            endpoint,
            next_step="What is already captured stays served; changes wait in the database's log.",
            statement_timeout_s=120.0,
            backoff=backoff,
        )

    @classmethod
    def from_connection(cls, conn_id: str = default_conn_name) -> OltpHook:
        """The database of an Airflow connection."""
        return cls(Endpoint.from_connection(conn_id))

    @property
    def address(self) -> str:
        """Where the database is, without credentials."""
        return self._db.address

    def row_counts(self, tables: Iterable[str]) -> dict[str, int]:
        """Exact number of rows of each `schema.table`, all at one moment.

        Raises:
            SystemRefused: a table is not there or may not be read.
        """
        from psycopg import sql

        counts = {}
        with self._db.transaction() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            for table in tables:
                query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*table.split(".")))
                counts[table] = int(connection.execute(query).fetchall()[0][0])
        return counts

    def tables(self, names: Iterable[str], role: str = "") -> dict[str, Table]:
        """Those of the named tables that exist, with their columns in order, and what the role may do with them."""
        asked = list(names)
        columns: dict[str, list[Column]] = {}
        for table, *column in self._db.rows(COLUMNS, [asked]):
            columns.setdefault(table, []).append(Column(*column))
        return {
            name: Table(
                name, tuple(columns.get(name, ())), tuple(not_full), partitioned, tuple(leaves), usable, readable
            )
            for name, leaves, not_full, partitioned, usable, readable in self._db.rows(IDENTITY, [role, asked])
        }

    def publication(self, name: str) -> Publication | None:
        """The publication, or None where there is none."""
        found = self._db.rows(PUBLICATION, [name])
        return Publication(found[0][0], found[0][1], frozenset(found[0][2])) if found else None

    def filled_columns(self, tables: Iterable[str]) -> frozenset[tuple[str, str]]:
        """(table, column) of the columns that were added with a default, which older rows have and no change said."""
        return frozenset((table, column) for table, column in self._db.rows(FILLED, [list(tables)]))

    def empty_enums(self) -> tuple[str, ...]:
        """The enumerated types without values, `schema.type`: Debezium does not start while the database has one."""
        return tuple(row[0] for row in self._db.rows(EMPTY_ENUMS))

    def slot(self, name: str) -> Slot | None:
        """The slot, or None where there is none."""
        found = self._db.rows(SLOT, [name])
        return Slot(*found[0]) if found else None

    def progress(self, slot: str, tables: Iterable[str]) -> Progress | None:
        """How far the slot's reader is, and what was written; None where there is no such slot.

        What `writes` counts stands in the log before `written`.
        """
        with self._db.transaction() as connection:
            writes = connection.execute(WRITES, [list(tables)]).fetchall()
            found = connection.execute(POSITIONS, [slot]).fetchone()
        return Progress(found[0], found[1], dict(writes)) if found else None

    def drop_slot(self, name: str) -> bool:
        """Drops the slot; False when there was none.

        Raises:
            SystemRefused: a reader holds the slot.
        """
        slot = self.slot(name)
        if slot is None:
            return False
        if slot.active:
            raise SystemRefused(
                "oltp",
                self.address,
                f"slot {name} is in use by process {slot.pid}: stop its connector first.",
            )
        self._db.rows(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s",
            [name],
        )
        return True
