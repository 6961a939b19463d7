"""Landing: the rows of dropped files, each file once and whole, into the raw table.

A file's number is written before its first row. Its rows come in one Iceberg commit, on the state of the table in which
they were not found; after a lost answer, and after a death, the next try looks again.
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
    """What became of one file. JSON-able by `_asdict`."""

    key: str
    rows: int
    reason: str | None = None
    """Why it is refused."""
    replaced: bool = False
    """Another content stands under its name now, or none: that one is due by itself."""


class Refused(Exception):
    """A file that is not what the contract says."""


class Landing:
    """The files of one dataset on their way to raw."""

    def __init__(self, contract: Contract, landing: LandingHook, lake: LakeHook, platform: PlatformHook) -> None:
        self.contract = contract
        self.platform = platform
        self.files = Files(platform, contract.id)
        self._landing = landing
        self._lake = lake

    def due(self) -> tuple[DroppedFile, ...]:
        """The files that wait, in the order in which they were dropped."""
        return self.files.due(self._landing.dropped(names.landing_prefix(self.contract)))

    def refused(self) -> dict[str, str]:
        """Key → reason, of the refused files that are still there."""
        return self.files.refused(self._landing.dropped(names.landing_prefix(self.contract)))

    def land(self, file: DroppedFile) -> Landed:
        """Land one file. Nobody else may land files of the dataset meanwhile.

        Raises SystemUnavailable, SystemRefused; the file is tried again then.
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
            raise Refused(f"its name ends with none of {', '.join(FORMATS)}")
        try:
            columns = self._landing.columns(file).names
            if problems := "; ".join(column_problems(self.contract, columns)):
                raise Refused(problems)
            return self._lake.call(lambda: self._commit_once(file, number))
        except (pa.ArrowException, ValueError) as wrong:
            raise Refused(one_line(wrong)) from wrong

    def _commit_once(self, file: DroppedFile, number: int) -> int:
        """All rows of the file in one commit, unless a try before has brought them; how many."""
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
        """Rows of the file that are in raw: all or none."""
        first = first_offset(number)
        mine = f"_offset >= {first} AND _offset < {first + ROWS_OF_A_FILE}"
        return int(table.scan(row_filter=mine).count())
