"""Which dataset a failed sink leaves out, and what its configuration is then."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headrace.planning.sinks import sinks, without
from headrace.services.connectors.blame import blamed
from headrace.systems.connect.status import TaskFailure
from tests.unit.planning.cases import LINES, SETTINGS, VIEWS

NO_TABLE = "org.apache.iceberg.exceptions.NoSuchTableException: Table does not exist: {}"
CONVERTING = "org.apache.kafka.connect.errors.DataException: An error occurred converting record, topic: {}, partition, 0, offset: 7"


def failure(*causes: str) -> TaskFailure:
    return TaskFailure("lake-retail", 0, "Exiting WorkerSinkTask due to unrecoverable exception.", causes[-1], causes)


@pytest.mark.parametrize(
    "cause",
    [
        NO_TABLE.format("raw.retail_basket_lines"),
        NO_TABLE.format("retail_basket_lines"),
        CONVERTING.format("oltp.retail.basket_lines"),
    ],
)
def test_a_fault_of_one_table_is_that_datasets(cause: str) -> None:
    assert blamed([failure(cause, "what was wrong")], [LINES, VIEWS]) == {LINES: "what was wrong"}


@pytest.mark.parametrize(
    "cause",
    [
        "org.apache.iceberg.exceptions.ServiceFailureException: cannot commit raw.retail_basket_lines: 503",
        NO_TABLE.format("raw.retail_basket_lines_old"),
        NO_TABLE.format("raw.somebody_elses"),
        "java.net.ConnectException: Connection refused",
    ],
)
def test_what_another_try_may_mend_is_no_dataset_s(cause: str) -> None:
    assert blamed([failure(cause)], [LINES, VIEWS]) == {}


def test_a_sink_without_a_dataset_is_the_sink_of_the_others() -> None:
    more = replace(LINES, id="retail.returns", name="returns", source=replace(LINES.source, table="retail.returns"))
    (both,), (one,) = sinks([LINES, more], SETTINGS), sinks([LINES], SETTINGS)
    left = without(both.spec["config"], more)
    assert left is not None
    # The predicate may match what is not read, and the digest of columns only tells of changes.
    names = ("topics", "iceberg.tables", "iceberg.table.raw.retail_basket_lines.route-regex")
    assert {name: left[name] for name in names} == {name: one.spec["config"][name] for name in names}
    assert not [value for key, value in left.items() if "returns" in key]
    assert without(one.spec["config"], LINES) is None
