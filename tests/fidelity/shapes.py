"""Tables whose shape changes while they are captured, and one that is truncated. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from tests.fidelity.kinds import KINDS
from tests.fidelity.tables import SCHEMA, Column, K, Table

_KEY: Final = replace(K, in_key=True)
DOUBLED: Final = Column("doubled", KINDS["bigint"], nullable=True)
RESHAPED: Final = Table(
    "reshaped",
    (_KEY, Column("wider", KINDS["integer"]), Column("finer", KINDS["real"]), Column("looser", KINDS["text"])),
    read_anew=True,
)
WIDENED: Final = replace(
    RESHAPED,
    columns=(
        _KEY,
        Column("wider", KINDS["bigint"]),
        Column("finer", KINDS["double"]),
        Column("looser", KINDS["text"], nullable=True),
    ),
)
"""After `widen`."""
FILLED: Final = WIDENED.with_column(Column("filled", KINDS["varchar"], nullable=True))
"""After `fill`. The rows from before have the column's default; an apply reads the table anew for it."""
CLEARED: Final = Table(
    "cleared",
    (_KEY, Column("note", KINDS["text"])),
    generated="doubled bigint GENERATED ALWAYS AS (k * 2) STORED",
    read_anew=True,
)
"""PostgreSQL does not publish its generated column, so the plan refuses a contract that has it."""
SHAPED: Final = (RESHAPED, CLEARED)


def widen() -> Iterator[str]:
    """The statements that make `RESHAPED` `WIDENED`."""
    yield f"ALTER TABLE {SCHEMA}.reshaped ALTER COLUMN wider TYPE bigint, ALTER COLUMN finer TYPE double precision"
    yield f"ALTER TABLE {SCHEMA}.reshaped ALTER COLUMN looser DROP NOT NULL"


def fill() -> Iterator[str]:
    """The statement that makes it `FILLED`. A contract knows nothing of a value that is written before it is applied."""
    yield f"ALTER TABLE {SCHEMA}.reshaped ADD COLUMN filled character varying(20) DEFAULT 'n/a'"


def truncate() -> Iterator[str]:
    """The statement that empties `CLEARED`."""
    yield f"TRUNCATE {SCHEMA}.cleared"
