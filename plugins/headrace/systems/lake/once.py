"""Iceberg transaction that commits only if the table has not changed since it was read.

When the answer to a commit is lost, the commit may have been applied, or may still be applied. So an appending caller
first checks whether its rows exist, and repeats that check at each retry. pyiceberg itself would append the rows to
whatever state the table has by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

# Other modules import this one inside functions only, because pyiceberg is heavy.
from pyiceberg.exceptions import CommitFailedException  # noqa: TID253
from pyiceberg.table import Transaction  # noqa: TID253

if TYPE_CHECKING:
    from pyiceberg.table import Table


class OnThisState(Transaction):
    """Transaction on the table state at its start. Raises CommitFailedException if the table has changed."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)

    def _rebuild_snapshot_updates(self) -> None:
        raise CommitFailedException(f"{'.'.join(self._table.name())} has changed since it was read")
