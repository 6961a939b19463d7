"""Landing: the rows of dropped files, each file once and whole, into the raw table.

A file's number is written before its first row. Its rows come in one Iceberg commit; whoever finds the number without
its end looks whether the rows are there.
"""

from __future__ import annotations

from typing import NamedTuple

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.systems.lake.hook import LakeHook
from headrace.systems.landing.hook import FORMATS, DroppedFile, LandingHook
from headrace.systems.landing.ledger import Files
from headrace.systems.landing.shape import ROWS_OF_A_FILE, as_raw, column_problems, first_offset
from headrace.systems.platform.hook import PlatformHook
from headrace.systems.text import one_line


class Landed(NamedTuple):
    """What became of one file. JSON-able by `_asdict`."""

    key: str
    rows: int
    reason: str | None
    """Why it is refused; None when it is landed."""


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
            rows = self._rows_there(number) or self._append(file, number)
        except Refused as refused:
            self.files.refuse(number, str(refused))
            return Landed(file.key, 0, str(refused))
        self.files.landed(number, rows)
        return Landed(file.key, rows, None)

    def _append(self, file: DroppedFile, number: int) -> int:
        import pyarrow as pa

        if not file.readable:
            raise Refused(f"its name ends with none of {', '.join(FORMATS)}")
        try:
            columns = self._landing.columns(file).names
            if problems := "; ".join(column_problems(self.contract, columns)):
                raise Refused(problems)
            return self._lake.call(lambda: self._commit(file, number))
        except (pa.ArrowException, ValueError) as wrong:
            raise Refused(one_line(wrong)) from wrong

    def _commit(self, file: DroppedFile, number: int) -> int:
        """All rows of the file in one commit; how many."""
        from pyiceberg.io.pyarrow import schema_to_pyarrow

        table, rows = self._lake.need(names.raw_table(self.contract)), 0
        wanted = schema_to_pyarrow(table.schema(), include_field_ids=False)
        with table.transaction() as transaction:
            for part in self._landing.parts(file, wanted):
                offset = first_offset(number) + rows
                transaction.append(as_raw(part, wanted, self._landing.uri(file), file.modified, offset))
                rows += part.num_rows
        return rows

    def _rows_there(self, number: int) -> int:
        """Rows of the file that are in raw: all or none."""
        first = first_offset(number)
        mine = f"_offset >= {first} AND _offset < {first + ROWS_OF_A_FILE}"
        table = self._lake.need(names.raw_table(self.contract))
        return self._lake.call(lambda: table.scan(row_filter=mine).count())
