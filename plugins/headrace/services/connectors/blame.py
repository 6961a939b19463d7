"""Find the dataset that makes a sink's task fail, since one dataset stops all others of its domain. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.systems.connect.status import TaskFailure

OF_ONE_TABLE: Final = re.compile(
    r"NoSuchTableException: Table does not exist: (?P<table>\S+)"
    r"|An error occurred converting record, topic: (?P<topic>[^,\s]+)"
)
"""Errors of the Iceberg sink about one table or topic, not about the store or the catalog; waiting does not help.

Source: org.apache.iceberg.rest.ErrorHandlers and org.apache.iceberg.connect.data.IcebergWriter, both of Iceberg 1.12.
"""


def blamed(failures: Iterable[TaskFailure], contracts: Iterable[Contract]) -> Mapping[Contract, str]:
    """Return the datasets that made tasks fail, each with the cause. Empty when no cause is about a single dataset."""
    by_place = {place: contract for contract in contracts for place in _places(contract)}
    found: dict[Contract, str] = {}
    for failure in failures:
        for cause in (failure.error, *failure.causes):
            if named := OF_ONE_TABLE.search(cause):
                contract = by_place.get(named["table"] or named["topic"])
                if contract:
                    found.setdefault(contract, failure.cause)
    return found


def _places(contract: Contract) -> tuple[str, ...]:
    """Return the names of the dataset in a sink's errors. REST catalogs leave the namespace out."""
    table = names.raw_table(contract)
    return table, table.partition(".")[2], names.topic(contract)
