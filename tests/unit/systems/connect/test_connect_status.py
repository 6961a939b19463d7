from __future__ import annotations

import pytest

from headrace.systems.connect.status import ConnectorStatus, parse_status

TRACE = """org.apache.kafka.connect.errors.ConnectException: An exception occurred in the change event producer.
\tat io.debezium.pipeline.ErrorHandler.setProducerThrowable(ErrorHandler.java:67)
\tat java.base/java.lang.Thread.run(Thread.java:840)
Caused by: org.apache.kafka.connect.errors.ConnectException: Failed to start replication stream
\t... 3 more
Caused by: org.postgresql.util.PSQLException: ERROR: can no longer get changes from replication slot "headrace_oltp"
  Detail: This slot has been invalidated because it exceeded the maximum reserved size.
\tat org.postgresql.core.v3.QueryExecutorImpl.receiveErrorResponse(QueryExecutorImpl.java:2713)
"""


def _body(connector: str = "RUNNING", *tasks: str, trace: str = TRACE) -> dict[str, object]:
    return {
        "name": "cdc-oltp",
        "connector": {"state": connector, "worker_id": "w"},
        "tasks": [
            {
                "id": i,
                "state": state,
                "worker_id": "w",
                **({"trace": trace} if state == "FAILED" else {}),
            }
            for i, state in enumerate(tasks)
        ],
        "type": "source",
    }


def test_a_failed_task_has_its_first_line_and_its_innermost_cause() -> None:
    status = parse_status(_body("RUNNING", "RUNNING", "FAILED"))
    (failure,) = status.failures
    assert (failure.connector, failure.task) == ("cdc-oltp", 1)
    assert failure.sentence == (
        "task 1 of connector cdc-oltp failed: org.apache.kafka.connect.errors.ConnectException: An exception occurred "
        "in the change event producer., caused by org.postgresql.util.PSQLException: ERROR: can no longer get changes "
        'from replication slot "headrace_oltp"'
    )
    assert failure.slot_lost


@pytest.mark.parametrize(
    ("cause", "lost"),
    [
        ('PSQLException: ERROR: replication slot "x" does not exist', True),
        ("DebeziumException: The connector is trying to read change stream starting at PostgresOffsetContext "
         f"[{'sourceInfo, ' * 60}], but this is no longer available on the server. Reconfigure the connector to use a snapshot mode", True),
        ("PSQLException: ERROR: requested WAL segment 0000 has already been removed", True),
        ('PSQLException: ERROR: replication slot "x" is active for PID 12', False),
        ("ConnectException: connection refused", False),
        ('PSQLException: FATAL: database "x" does not exist', False),
    ],
)  # fmt: skip
def test_a_lost_slot_is_distinguished_from_other_failures(cause: str, lost: bool) -> None:
    status = parse_status(_body("RUNNING", "FAILED", trace=f"ConnectException: boom\nCaused by: {cause}"))
    assert status.failures[0].slot_lost is lost


def test_a_trace_may_be_missing_or_endless() -> None:
    assert parse_status(_body("RUNNING", "FAILED", trace="")).failures[0].error == "no trace given"
    assert len(parse_status(_body("RUNNING", "FAILED", trace="x" * 9000)).failures[0].error) == 400


def test_the_connector_itself_may_fail() -> None:
    body = _body("FAILED")
    body["connector"]["trace"] = "ConfigException: no such class"  # type: ignore[index]
    (failure,) = parse_status(body).failures
    assert failure.sentence == "connector cdc-oltp failed: ConfigException: no such class"


@pytest.mark.parametrize(
    ("connector", "tasks", "state", "settled"),
    [
        ("RUNNING", ("RUNNING",), "RUNNING", True),
        ("RUNNING", (), "RUNNING", False),
        ("RUNNING", ("RUNNING", "UNASSIGNED"), "RUNNING", False),
        ("PAUSED", ("PAUSED",), "PAUSED", True),
        ("PAUSED", ("RUNNING",), "PAUSED", False),
        ("STOPPED", (), "STOPPED", True),
    ],
)
def test_a_connector_is_settled_with_all_its_tasks(
    connector: str, tasks: tuple[str, ...], state: str, settled: bool
) -> None:
    status = parse_status(_body(connector, *tasks))
    assert status.settled(state) is settled  # type: ignore[arg-type]


def test_a_summary_is_one_line() -> None:
    assert ConnectorStatus("c", "STOPPED", ()).summary == "c STOPPED, tasks none"
