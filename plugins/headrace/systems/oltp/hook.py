"""Hook for a source database: read row counts, table schemas, the publication and the replication slot; drop a slot.

Connection `oltp_default`, type postgres. Its role reads the tables; to drop a slot it needs REPLICATION.
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
DESCRIBED: Final = """
    SELECT coalesce(obj_description(c.oid, 'pg_class'), ''),
           a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
           array_position(k.conkey, a.attnum), a.attgenerated <> '', coalesce(col_description(c.oid, a.attnum), ''),
           ARRAY(SELECT e.enumlabel FROM pg_enum e
                  WHERE e.enumtypid IN (t.oid, t.typelem) ORDER BY e.enumsortorder)
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_type t ON t.oid = a.atttypid
      LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
     WHERE n.nspname || '.' || c.relname = %s AND c.relkind IN ('r', 'p')
     ORDER BY a.attnum"""
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
    """A column in PostgreSQL."""

    name: str
    type: str
    """Type as `format_type` writes it: `numeric(12,2)`, `timestamp with time zone`."""
    nullable: bool
    in_key: bool
    generated: bool = False
    """True if PostgreSQL computes it from other columns."""


class DescribedColumn(NamedTuple):
    """A column with what a draft of a contract needs."""

    name: str
    type: str
    """As `format_type` writes it."""
    nullable: bool
    key_position: int | None
    """Position in the primary key, from 1; None for other columns."""
    generated: bool
    comment: str
    symbols: tuple[str, ...]
    """Values of its enumerated type, in order; empty for other types."""


class Table(NamedTuple):
    """A table in PostgreSQL."""

    name: str
    """`schema.table`."""
    columns: tuple[Column, ...]
    not_full: tuple[str, ...] = ()
    """The table and partitions without REPLICA IDENTITY FULL: updates and deletes do not log the whole old row."""
    partitioned: bool = False
    partitions: tuple[str, ...] = ()
    """Leaf partitions, which hold the rows."""
    usable: bool = True
    """True if the connector's role may use the schema."""
    readable: bool = True
    """True if the connector's role may read the table."""


class Publication(NamedTuple):
    """A publication in PostgreSQL."""

    via_root: bool
    """True if changes of partitions are published as changes of the partitioned table."""
    every_operation: bool
    """True if it publishes insert, update, delete and truncate."""
    tables: frozenset[str]
    """`schema.table` of each published table."""


class Slot(NamedTuple):
    """A replication slot and its lag."""

    name: str
    active: bool
    pid: int | None
    wal_status: WalStatus | None
    """`lost`: WAL that it needs is gone. `unreserved`: that WAL will be removed at the next checkpoint."""
    lag_bytes: int
    """Bytes of WAL written and not yet confirmed by the reader."""
    held_bytes: int
    """Bytes of WAL kept for the slot."""
    safe_bytes: int | None
    """Bytes of WAL that may still be written before the slot is in danger; None without a limit."""

    @property
    def lost(self) -> bool:
        """Return whether a fresh snapshot is needed."""
        return self.wal_status == "lost"


class Progress(NamedTuple):
    """Written and confirmed WAL positions in bytes, and row writes per table."""

    written: int
    confirmed: int
    writes: Mapping[str, int]
    """`schema.table` → rows inserted, updated and deleted, as the server's statistics count them."""


class OltpHook:
    """Hook that inspects a source database and drops replication slots."""

    default_conn_name = "oltp_default"

    def __init__(self, endpoint: Endpoint, *, backoff: Backoff | None = None) -> None:
        self._db = PostgresClient(
            "oltp",
            endpoint,
            next_step="Captured data stays served; changes wait in the database's WAL.",
            statement_timeout_s=120.0,
            backoff=backoff,
        )

    @classmethod
    def from_connection(cls, conn_id: str = default_conn_name) -> OltpHook:
        """Create the hook from an Airflow connection."""
        return cls(Endpoint.from_connection(conn_id))

    @property
    def address(self) -> str:
        """Return the database's URL without credentials."""
        return self._db.address

    def row_counts(self, tables: Iterable[str]) -> dict[str, int]:
        """Return the exact row count of each `schema.table`, all in one database snapshot.

        Raises:
            SystemRefused: a table does not exist or may not be read.
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
        """Return the named tables that exist, with columns in order and the privileges of `role`."""
        listed = list(names)
        columns: dict[str, list[Column]] = {}
        for table, *column in self._db.rows(COLUMNS, [listed]):
            columns.setdefault(table, []).append(Column(*column))
        return {
            name: Table(
                name, tuple(columns.get(name, ())), tuple(not_full), partitioned, tuple(leaves), usable, readable
            )
            for name, leaves, not_full, partitioned, usable, readable in self._db.rows(IDENTITY, [role, listed])
        }

    def described(self, table: str) -> tuple[str, tuple[DescribedColumn, ...]] | None:
        """Return the comment and the columns of `schema.table`; None where there is no such table."""
        rows = self._db.rows(DESCRIBED, [table])
        columns = tuple(DescribedColumn._make((*column, tuple(symbols))) for _, *column, symbols in rows)
        return (rows[0][0], columns) if rows else None

    def publication(self, name: str) -> Publication | None:
        """Return the publication; None if there is none."""
        found = self._db.rows(PUBLICATION, [name])
        return Publication(found[0][0], found[0][1], frozenset(found[0][2])) if found else None

    def filled_columns(self, tables: Iterable[str]) -> frozenset[tuple[str, str]]:
        """Return (table, column) of columns added with a default.

        Older rows have the default, but no change carried it.
        """
        return frozenset((table, column) for table, column in self._db.rows(FILLED, [list(tables)]))

    def empty_enums(self) -> tuple[str, ...]:
        """Return the enumerated types without values, `schema.type`. With one of them Debezium does not start."""
        return tuple(row[0] for row in self._db.rows(EMPTY_ENUMS))

    def slot(self, name: str) -> Slot | None:
        """Return the slot; None if there is none."""
        found = self._db.rows(SLOT, [name])
        return Slot(*found[0]) if found else None

    def progress(self, slot: str, tables: Iterable[str]) -> Progress | None:
        """Return the slot's progress and the table writes; None if there is no such slot.

        `writes` is read before `written`, so the WAL up to `written` contains all counted writes.
        """
        with self._db.transaction() as connection:
            writes = connection.execute(WRITES, [list(tables)]).fetchall()
            found = connection.execute(POSITIONS, [slot]).fetchone()
        return Progress(found[0], found[1], dict(writes)) if found else None

    def drop_slot(self, name: str) -> bool:
        """Drop the slot; return False if there was none.

        Raises:
            SystemRefused: a reader uses the slot.
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
