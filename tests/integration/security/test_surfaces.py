"""A stranger asks every surface: without, with wrong and with somebody else's credentials; each time it is refused."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from headrace.errors import SystemFailure, SystemRefused
from headrace.systems.endpoint import Endpoint
from headrace.systems.kafka import access
from headrace.systems.kafka.access import Grant
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.retry import Backoff
from include.stack.databases import ROLES, role_dsn
from include.stack.logins import kafka_options
from tests.conftest import Stack
from tests.integration.security.surfaces import QUESTIONS, Question, port, ports

LOOPBACK = {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
THREATS = (Path(__file__).parents[3] / "docs" / "explanation" / "threat-model.md").read_text()
ANSWERS = re.findall(r"^\| `(\w+) (/\S*)` \|", THREATS, re.MULTILINE)
"""What answers everybody, as the threat model lists it."""
UNNAMED = {"spark-batch", "stream-retail"}
"""Processes that listen on ports that the kernel chooses."""
WRONG = ("headrace", "wrong")
OTHER_REFUSALS = (
    ("WEED_MASTER", "400 Client sent an HTTP request to an HTTPS server"),
    ("WEED_ADMIN", "404 "),  # it has no page, and its API is not there
    ("CLICKHOUSE", "QUOTA_EXCEEDED"),  # its boot user has used its quota up
    ("CONNECT", "Internal request missing required signature"),  # what workers tell each other
)


def listening(stack: Stack) -> set[tuple[str, str, int]]:
    """Process, address and port of every socket on which a process of the stack, or a child of one, listens."""
    found = set()
    for state in stack.supervisor.states():
        if not state.pid:
            continue
        for each in _family(state.pid):
            with suppress(psutil.NoSuchProcess):  # a child that has ended meanwhile
                for one in each.net_connections("inet"):
                    if one.status == psutil.CONN_LISTEN:
                        found.add((state.name, one.laddr.ip, one.laddr.port))
    return found


def _family(pid: int) -> tuple[psutil.Process, ...]:
    process = psutil.Process(pid)
    return (process, *process.children(recursive=True))


def test_every_socket_listens_on_loopback_and_is_one_that_is_tried_here(stack: Stack) -> None:
    found, named = listening(stack), ports(stack)
    assert {"kafka", "connect", "clickhouse", "stream-retail", "airflow-api"} <= {name for name, _, _ in found}
    assert [each for each in found if each[1] not in LOOPBACK] == []
    assert {(name, number) for name, _, number in found if number not in named and name not in UNNAMED} == set()
    tried = {question.surface for question in QUESTIONS} | {surface for surface, _ in ANSWERS}
    tried |= {"POSTGRES", "KAFKA", "KAFKA_CONTROLLER"}
    speak_grpc = {name for name in named.values() if "GRPC" in name} | {"WEED S3"}
    assert {named[number].replace(" ", "_") for _, _, number in found if number in named} <= tried | {
        name.replace(" ", "_") for name in speak_grpc
    }


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
@pytest.mark.parametrize("who", ["nobody", "wrong", "foreign"])
def test_a_question_over_http_is_refused(stack: Stack, question: Question, who: str) -> None:
    s = stack.settings
    foreign = ("analyst", s["HEADRACE_PASSWORD_ANALYST"])
    if question.surface == "CLICKHOUSE":
        foreign = ("headrace", s["HEADRACE_PASSWORD_CONNECT"])
    auth = {"nobody": None, "wrong": WRONG, "foreign": foreign}[who]
    with httpx.Client(base_url=f"http://{s.bind}:{port(stack, question.surface)}", timeout=20) as client:
        assert _refused(client, question, auth=auth)
        if auth:
            assert _refused(client, question, headers={"Authorization": f"Bearer {auth[1]}"})


def _refused(client: httpx.Client, question: Question, *, headers: Mapping[str, str] | None = None, **how: Any) -> bool:
    body = "" if question.surface == "CLICKHOUSE" else "[]" if question.path.endswith("/tasks") else "{}"
    sent = {"Content-Type": "application/json", **(headers or {})}
    try:
        answer = client.request(question.method, question.path, content=body, headers=sent, **how)
    except httpx.TransportError:
        return question.surface == "WEED_MASTER"  # it wants a certificate before it listens
    text = f"{answer.status_code} {answer.text}"
    for surface, refusal in OTHER_REFUSALS:
        if question.surface == surface and refusal in text:
            return True
    return answer.status_code in (401, 403)


@pytest.mark.parametrize(("surface", "path"), ANSWERS, ids=lambda text: text)
def test_what_answers_without_a_login_holds_no_secret(stack: Stack, surface: str, path: str) -> None:
    answer = httpx.get(f"http://{stack.settings.bind}:{port(stack, surface)}{path}", timeout=20)
    assert answer.status_code == 200
    secrets = [value for name, value in stack.settings.values.items() if "PASSWORD" in name or "KEY" in name]
    assert not [value for value in secrets if value in answer.text]


@pytest.mark.parametrize(
    "surface", ["WEED_MASTER_GRPC", "WEED_VOLUME_GRPC", "WEED_FILER_GRPC", "WEED_ADMIN_GRPC", "WEED_S3"]
)
def test_seaweedfs_parts_want_a_certificate(stack: Stack, surface: str) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://{stack.settings.bind}:{port(stack, surface)}/", timeout=10)
    with pytest.raises(httpx.TransportError):
        httpx.get(f"https://{stack.settings.bind}:{port(stack, surface)}/", verify=False, timeout=10)


def test_seaweedfs_master_wants_a_certificate(stack: Stack) -> None:
    with pytest.raises(httpx.TransportError):
        url = f"https://{stack.settings.bind}:{port(stack, 'WEED_MASTER')}/dir/assign"
        httpx.get(url, verify=False, timeout=10)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_of_postgresql_has_its_own_database_only(stack: Stack, role: str) -> None:
    _, _, own = ROLES[role]
    allowed = {own, *({"cdc": {"oltp"}, "lineage": {"headrace"}}.get(role, set()))}
    for database in {base for _, _, base in ROLES.values() if base} - allowed:
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(role_dsn(stack.settings, role, database), connect_timeout=10)
    dsn = role_dsn(stack.settings, role, next(iter(allowed - {None})))
    for password in ("", "wrong", stack.settings["HEADRACE_PASSWORD_CONNECT"]):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(re.sub(r":[^:@]+@", f":{password}@", dsn), connect_timeout=10)


def test_the_lineage_endpoint_has_the_lineage_only(stack: Stack) -> None:
    with psycopg.connect(role_dsn(stack.settings, "lineage", "headrace"), autocommit=True) as connection:
        connection.execute("SELECT count(*) FROM lineage.events")
        for statement in ("SELECT * FROM plans", "SELECT * FROM alerts", "CREATE TABLE public.mine (x int)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def _kafka(stack: Stack, **config: str) -> KafkaHook:
    return KafkaHook(Endpoint(extra=config), timeout_s=5.0, backoff=Backoff(tries=1))


def test_kafka_requires_a_login(stack: Stack) -> None:
    options = kafka_options(stack.settings)
    with pytest.raises(SystemFailure):
        _kafka(stack, **{"bootstrap.servers": options["bootstrap.servers"]}).partitions()
    for password in ("wrong", stack.settings["HEADRACE_PASSWORD_CONNECT"]):
        with pytest.raises(SystemRefused, match="SASL authentication error"):
            _kafka(stack, **{**options, "sasl.password": password}).partitions()
    with pytest.raises(SystemFailure):  # the broker's own user is no SCRAM user, and no other is one of PLAIN
        _kafka(stack, **{**options, "sasl.mechanism": "PLAIN"}).partitions()


def test_the_kafka_quorum_requires_a_login(stack: Stack) -> None:
    """The controller answers a request without a login, here for the versions of its API, by closing the connection."""
    place = (stack.settings.bind, port(stack, "KAFKA_CONTROLLER"))
    metadata = b"\x00\x00\x00\x13" + b"\x00\x03\x00\x01" + b"\x00\x00\x00\x01" + b"\x00\x05guest" + b"\xff\xff\xff\xff"
    with socket.create_connection(place, 10) as connection:
        connection.sendall(metadata)
        assert connection.recv(100) == b""


def test_each_component_may_do_at_kafka_what_it_needs(stack: Stack) -> None:
    connect, streams = (_kafka(stack, **kafka_options(stack.settings, user)) for user in ("connect", "streams"))
    for hook in (connect, streams):
        with pytest.raises(SystemRefused, match="authorization failed"):
            hook.delete("oltp.retail.products")
        with pytest.raises(SystemRefused, match=r"(?i)authorization failed"):
            hook.alter_config("oltp.retail.products", {"retention.ms": "1"})
    with pytest.raises(SystemRefused, match=r"(?i)authorization failed"):
        streams.create("stranger", 1)
    assert _produced(streams, "oltp.retail.products") == "TOPIC_AUTHORIZATION_FAILED"
    for hook in (connect, streams, stack.systems.kafka):
        with pytest.raises(SystemRefused):
            access.make_users(hook, {"stranger": "x"}, [Grant("stranger", "TOPIC", "*", ("ALL",))])


def _produced(hook: KafkaHook, topic: str) -> str:
    """What came of a record, by the name of the error."""
    errors: list[str] = []
    producer = hook.producer()
    producer.produce(topic, value=b"x", on_delivery=lambda error, _: errors.append(error.name() if error else ""))
    producer.flush(20)
    return errors[0]


def test_a_spark_driver_answers_no_http_request(stack: Stack) -> None:
    """Its ports are the gateway of Python and Spark's own RPC; a question over HTTP gets no answer from either."""
    tried = 0
    for name, host, number in listening(stack):
        if name in UNNAMED:
            tried += 1
            with pytest.raises(httpx.TransportError):
                httpx.get(f"http://{host.removeprefix('::ffff:')}:{number}/", timeout=5)
    assert tried
