"""Land the rows of files from the landing bucket in the raw table, each file once and whole.

A file's number is recorded before its first row is written. Its rows are written in one Iceberg commit, which succeeds
only on the table state in which they were not found. After a lost answer or a crash, the next try checks the table
again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.services.landing.hook import FORMATS, DroppedFile, LandingHook, Replaced
from headrace.services.landing.ledger import Files
from headrace.services.landing.shape import ROWS_OF_A_FILE, as_raw, column_problems, first_offset
from headrace.systems.lake.hook import LakeHook
from headrace.systems.platform.hook import PlatformHook
from headrace.systems.text import one_line

if TYPE_CHECKING:
    from pyiceberg.table import Table


class Landed(NamedTuple):
    """Result of one file. JSON-able by `_asdict`."""

    key: str
    rows: int
    reason: str | None = None
    """Why the file is refused; None if it is not."""
    replaced: bool = False
    """Whether the file was replaced or removed meanwhile; a replacement is due as a file of its own."""


class Refused(Exception):
    """Raised for a file that violates the contract."""


class Landing:
    """Lands the files of one dataset in raw."""

    def __init__(self, contract: Contract, landing: LandingHook, lake: LakeHook, platform: PlatformHook) -> None:
        self.contract = contract
        self.platform = platform
        self.files = Files(platform, contract.id)
        self._landing = landing
        self._lake = lake

    def due(self) -> tuple[DroppedFile, ...]:
        """Return the files that wait, in the order of their modification times."""
        return self.files.due(self._landing.dropped(names.landing_prefix(self.contract)))

    def refused(self) -> dict[str, str]:
        """Return, by key, the reasons of the refused files that still exist."""
        return self.files.refused(self._landing.dropped(names.landing_prefix(self.contract)))

    def land(self, file: DroppedFile) -> Landed:
        """Land one file. No other process may land files of the dataset meanwhile.

        Raises SystemUnavailable, SystemRefused; then the file is retried.
        """
        number = self.files.begin(file)
        try:
            rows = self._lake.call(lambda: self._rows_there(self._table(), number)) or self._append(file, number)
        except Refused as refused:
            self.files.refuse(number, str(refused))
            return Landed(file.key, 0, str(refused))
        except Replaced:
            return Landed(file.key, 0, replaced=True)
        self.files.landed(number, rows)
        return Landed(file.key, rows)

    def _append(self, file: DroppedFile, number: int) -> int:
        import pyarrow as pa

        if not file.readable:
            raise Refused(f"its name must end with one of {', '.join(FORMATS)}")
        try:
            columns = self._landing.columns(file).names
            if problems := "; ".join(column_problems(self.contract, columns)):
                raise Refused(problems)
            return self._lake.call(lambda: self._commit_once(file, number))
        except (pa.ArrowException, ValueError) as wrong:
            raise Refused(one_line(wrong)) from wrong

    def _commit_once(self, file: DroppedFile, number: int) -> int:
        """Write all rows of the file in one commit, unless an earlier try did; return how many."""
        table = self._table()
        return self._rows_there(table, number) or self._commit(table, file, number)

    def _commit(self, table: Table, file: DroppedFile, number: int) -> int:
        from pyiceberg.io.pyarrow import schema_to_pyarrow

        from headrace.systems.lake.once import OnThisState

        rows, wanted = 0, schema_to_pyarrow(table.schema(), include_field_ids=False)
        with OnThisState(table) as transaction:
            for part in self._landing.parts(file, wanted):
                offset = first_offset(number) + rows
                transaction.append(as_raw(part, wanted, self._landing.uri(file), file.modified, offset))
                rows += part.num_rows
        return rows

    def _table(self) -> Table:
        return self._lake.need(names.raw_table(self.contract))

    @staticmethod
    def _rows_there(table: Table, number: int) -> int:
        """Return the number of the file's rows in raw: all or none."""
        first = first_offset(number)
        mine = f"_offset >= {first} AND _offset < {first + ROWS_OF_A_FILE}"
        return int(table.scan(row_filter=mine).count())
