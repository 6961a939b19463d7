"""A commit on the state of the table that was looked at, or none.

When the answer to a commit is lost, the commit may have been applied, or may be applied later. So whoever appends looks
first whether the rows are there, and tries again by looking again. pyiceberg by itself would carry the rows over to
whatever state the table has come to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

# Imported inside functions only: pyiceberg is heavy.
from pyiceberg.exceptions import CommitFailedException  # noqa: TID253
from pyiceberg.table import Transaction  # noqa: TID253

if TYPE_CHECKING:
    from pyiceberg.table import Table


class OnThisState(Transaction):
    """Commits on the state with which it began; raises CommitFailedException when the table has moved on."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)

    def _rebuild_snapshot_updates(self) -> None:
        raise CommitFailedException(f"{'.'.join(self._table.name())} has moved on since it was looked at")
