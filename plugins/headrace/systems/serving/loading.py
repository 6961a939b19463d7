"""Full load of a PostgreSQL table: only the rows that differ are written, in one transaction.

Views, grants and indexes of the table stay, and a small change is a small write. Readers see either all old rows or all
new rows. The table's comment holds the loaded lake state, and is set in the same transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

from headrace.errors import SystemRefused
from headrace.planning.resources import Resource
from headrace.systems.platform.locks import Check, unchecked
from headrace.systems.serving.hook import ServingHook

if TYPE_CHECKING:
    import pyarrow as pa
    from psycopg.sql import Composed

Reading: TypeAlias = Callable[[Any], Any]

STATE: Final = "SELECT obj_description(to_regclass(%s))"


def load(
    hook: ServingHook, table: Resource, state: str, parts: Iterable[pa.Table], rows: int, check: Check = unchecked
) -> None:
    """Load exactly these rows into the table.

    `check` runs before the commit and raises if another process loads the table.

    Raises:
        SystemRefused: PostgreSQL refuses a row, or the row count differs from `rows`.
        SystemUnavailable: PostgreSQL does not answer.
    """
    columns, key = [column["name"] for column in table.spec["columns"]], table.spec["key"].split(", ")
    readings = [READINGS.get(column["type"], _as_is) for column in table.spec["columns"]]
    statements = _statements(table.name, columns, key, state)
    with hook.transaction() as connection:
        connection.execute(statements["staging"])
        with connection.cursor().copy(statements["copy"]) as copy:
            for row in _values(parts, columns, readings):
                copy.write_row(row)
        arrived = connection.execute("SELECT count(*) FROM next").fetchall()[0][0]
        if arrived != rows:
            text = f"{table.name}: {arrived:,} of {rows:,} rows have arrived; the table keeps its old rows"
            raise SystemRefused("serving", hook.address, text)
        for name in ("analyse", "delete", "upsert", "comment"):
            connection.execute(statements[name])
        check()


def loaded_state(hook: ServingHook, table: Resource) -> str | None:
    """Return the `state` of the last `load`; None if the table was never loaded."""
    from headrace.planning.serving import qualified

    found = hook.rows(STATE, [qualified(table.name)])
    return found[0][0] if found else None


def _statements(table: str, columns: Sequence[str], key: Sequence[str], state: str) -> dict[str, Composed]:
    from psycopg import sql

    names = sql.SQL(", ").join(sql.Identifier(name) for name in columns)
    keys = sql.SQL(", ").join(sql.Identifier(name) for name in key)
    target = sql.Identifier(*table.split(".", 1))
    others = [name for name in columns if name not in key]
    values = sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in others)
    held, new = (
        sql.SQL("({})").format(sql.SQL(", ").join(sql.Identifier(side, name) for name in others))
        for side in ("held", "excluded")
    )
    update = sql.SQL("DO UPDATE SET {} WHERE {} IS DISTINCT FROM {}").format(values, held, new)
    return {
        "staging": sql.SQL("CREATE TEMP TABLE next (LIKE {} INCLUDING DEFAULTS) ON COMMIT DROP").format(target),
        "copy": sql.SQL("COPY next ({}) FROM STDIN").format(names),
        "analyse": sql.SQL("ANALYZE next").format(),
        "delete": sql.SQL("DELETE FROM {} AS held WHERE NOT EXISTS (SELECT FROM next WHERE ({}) = ({}))").format(
            target, *(sql.SQL(", ").join(sql.Identifier(side, name) for name in key) for side in ("next", "held"))
        ),
        "upsert": sql.SQL("INSERT INTO {} AS held ({}) SELECT {} FROM next ON CONFLICT ({}) {}").format(
            target, names, names, keys, update if others else sql.SQL("DO NOTHING")
        ),
        "comment": sql.SQL("COMMENT ON TABLE {} IS {}").format(target, sql.Literal(state)),
    }


def _values(parts: Iterable[pa.Table], columns: Sequence[str], readings: Sequence[Reading]) -> Iterator[list[Any]]:
    for part in parts:
        for row in zip(*(part.column(name).to_pylist() for name in columns), strict=True):
            yield [None if value is None else read(value) for value, read in zip(row, readings, strict=True)]


def _as_is(value: Any) -> Any:
    return value


def _uuid(value: Any) -> UUID:
    return UUID(bytes=value) if isinstance(value, bytes) else value


def _json(value: Any) -> str:
    """Encode a value as JSON. Arrow returns a map as a list of pairs."""
    pairs = isinstance(value, list) and value and all(isinstance(v, tuple) and len(v) == 2 for v in value)
    return json.dumps(dict(value) if pairs else value, default=str)


READINGS: Final[Mapping[str, Reading]] = {"jsonb": _json, "uuid": _uuid}
"""PostgreSQL type → converter of an Arrow value, for the types that need one."""
