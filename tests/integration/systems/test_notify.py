"""Alerts on their way to people: a real database, a real SMTP server, a real webhook."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from airflow.sdk.log import mask_secret

from headrace.errors import SystemRefused
from headrace.services.notifications import failures
from headrace.services.notifications.hook import NotifyHook
from headrace.services.notifications.message import Message
from headrace.services.notifications.operators import SendAlertsOperator
from headrace.services.notifications.routes import Route, read_routes
from headrace.services.notifications.sender import Sender, Sent
from headrace.services.notifications.triggers import AlertsDueTrigger
from headrace.systems.platform.hook import PlatformHook
from headrace.systems.retry import Backoff
from tests.support.alerts import Mailbox, Webhook

KEY = "quality:shop.items:range"
ROWS = [{"id": 1, "amount": 99}]
AT_ONCE = Backoff(first_s=0.0, longest_s=0.0)


@dataclass
class Receivers:
    mail: Mailbox
    hook: Webhook

    @property
    def extra(self) -> dict[str, Any]:
        mail = {"name": "mail", "url": self.mail.url, "severity": "warning"}
        return {"routes": [mail, {"name": "hook", "url": self.hook.url, "severity": "error"}]}


@pytest.fixture
def receivers() -> Iterator[Receivers]:
    with Mailbox() as mail, Webhook() as hook:
        yield Receivers(mail, hook)


@pytest.fixture
def sender(platform: PlatformHook, receivers: Receivers) -> Sender:
    return Sender(read_routes(receivers.extra), platform, {}, NotifyHook(timeout_s=10), AT_ONCE)


def kinds(sent: tuple[Sent, ...]) -> dict[str, list[str]]:
    return {each.route: [notice.kind for notice in each.notices] for each in sent}


def test_an_alert_its_worsening_and_its_end_are_notified_once_each(
    sender: Sender, platform: PlatformHook, receivers: Receivers
) -> None:
    platform.raise_alert(KEY, "warning", "amount is odd", "shop.items", owner="till", details=ROWS, link="http://af/1")
    assert sender.is_due()
    assert kinds(sender.deliver()) == {"mail": ["opened"]}
    (mail,) = receivers.mail.messages
    assert mail["Subject"] == "Headrace: warning: amount is odd"
    assert mail["To"] == "till@example.org"
    text = mail.get_body(("plain", "html")).get_content()  # type: ignore[union-attr]
    for part in ("amount is odd", "shop.items", "owner till", "since 2", "id=1, amount=99", "http://af/1"):
        assert part in text

    platform.raise_alert(KEY, "warning", "amount is odd", "shop.items")
    assert not sender.is_due()
    assert sender.deliver() == ()

    platform.raise_alert(KEY, "error", "amount is wrong", "shop.items")
    assert kinds(sender.deliver()) == {"mail": ["worse"], "hook": ["opened"]}
    assert sender.deliver() == ()
    (opened,) = receivers.hook.messages
    assert opened["title"] == "Headrace: error: amount is wrong"
    assert opened["type"] == "failure"
    assert "seen 3 times" in opened["message"]

    platform.resolve_alert(KEY)
    assert sender.is_due()
    assert kinds(sender.deliver()) == {"mail": ["over"], "hook": ["over"]}
    assert not sender.is_due()
    assert receivers.hook.messages[1]["type"] == "success"
    assert receivers.mail.messages[2]["Subject"] == "Headrace: over: amount is wrong"

    platform.raise_alert(KEY, "error", "amount is wrong again", "shop.items")
    assert kinds(sender.deliver()) == {"mail": ["opened"], "hook": ["opened"]}


def test_simultaneous_alerts_are_one_message(sender: Sender, platform: PlatformHook, receivers: Receivers) -> None:
    for n in range(3):
        platform.raise_alert(f"k{n}", "error", f"broken {n}")
    sender.deliver()
    assert receivers.hook.messages[0]["title"] == "Headrace: 3 alerts: 3 error"
    assert all(f"broken {n}" in receivers.hook.bodies[0] for n in range(3))
    assert "owner platform" in receivers.hook.bodies[0]


def test_an_alert_that_ends_before_its_notification_is_not_notified(
    sender: Sender, platform: PlatformHook, receivers: Receivers
) -> None:
    platform.raise_alert(KEY, "error", "amount is wrong")
    platform.resolve_alert(KEY)
    assert not sender.is_due()
    assert sender.deliver() == ()


def test_a_receiver_that_was_down_gets_the_message_later_and_the_others_are_alerted(
    sender: Sender, platform: PlatformHook, receivers: Receivers
) -> None:
    receivers.hook.status = 503
    platform.raise_alert(KEY, "error", "amount is wrong")
    first = {sent.route: sent for sent in sender.deliver()}
    assert first["mail"].error == ""
    assert "503" in first["hook"].error
    assert "Due notifications are sent when it answers" in first["hook"].error
    assert kinds(sender.deliver()) == kinds(sender.deliver()) == {"hook": ["opened"]}
    (trouble,) = (alert for alert in platform.open_alerts() if alert.key == "notify:hook")
    assert "a-secret-token" not in trouble.text
    platform.raise_alert("second", "error", "another")
    assert kinds(sender.deliver()) == {"mail": ["opened", "opened"], "hook": ["opened", "opened"]}
    assert receivers.hook.messages == []

    receivers.hook.status = 200
    assert kinds(sender.deliver()) == {"hook": ["opened", "opened"]}
    assert len(receivers.hook.messages) == 1
    assert kinds(sender.deliver()) == {"mail": ["over"]}
    assert "alerts do not reach hook" in receivers.mail.messages[-1]["Subject"]
    assert not sender.is_due()


def test_a_failed_route_is_retried_after_a_wait(platform: PlatformHook, receivers: Receivers) -> None:
    patient = Sender(read_routes(receivers.extra), platform, {}, NotifyHook(), Backoff(first_s=600.0, longest_s=600.0))
    receivers.mail.refuse, receivers.hook.status = True, 500
    platform.raise_alert(KEY, "error", "amount is wrong")
    assert all(sent.error for sent in patient.deliver())
    receivers.mail.refuse, receivers.hook.status = False, 200
    assert not patient.is_due()
    assert patient.deliver() == ()
    with platform.transaction() as connection:
        connection.execute("UPDATE alert_routes SET retry_at = now()")
    assert kinds(patient.deliver()) == {"mail": ["opened"], "hook": ["opened"]}


def test_no_receiver_answers(platform: PlatformHook) -> None:
    gone = read_routes({"routes": [{"name": "gone", "url": "json://127.0.0.1:1"}, {"name": "what", "url": "no://x"}]})
    platform.raise_alert(KEY, "error", "amount is wrong")
    errors = {sent.route: sent.error for sent in Sender(gone, platform, {}, NotifyHook()).deliver()}
    assert "Connection error" in errors["gone"]
    assert "Apprise cannot use its URL (no://…)" in errors["what"]


class Dies(NotifyHook):
    """Sends, and is killed before that can be noted."""

    def send(self, route: Route, message: Message) -> None:
        super().send(route, message)
        raise KeyboardInterrupt


def test_a_task_that_dies_between_sending_and_recording_notifies_once_more(
    sender: Sender, platform: PlatformHook, receivers: Receivers
) -> None:
    platform.raise_alert(KEY, "error", "amount is wrong")
    only = sender.routes._replace(routes=sender.routes.routes[1:])
    with pytest.raises(KeyboardInterrupt):
        Sender(only, platform, {}, Dies()).deliver()
    again = Sender(only, platform, {}, NotifyHook())
    assert kinds(again.deliver()) == {"hook": ["opened"]}
    assert again.deliver() == ()
    assert len(receivers.hook.messages) == 2


def test_two_concurrent_senders_notify_once(sender: Sender, platform: PlatformHook, receivers: Receivers) -> None:
    platform.raise_alert(KEY, "error", "amount is wrong")
    threads = [threading.Thread(target=sender.deliver) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(receivers.hook.messages) == len(receivers.mail.messages) == 1


def test_an_error_that_stays_open_is_notified_again(sender: Sender, platform: PlatformHook) -> None:
    platform.raise_alert(KEY, "error", "amount is wrong")
    sender.deliver()
    with platform.transaction() as connection:
        connection.execute("UPDATE alert_notifications SET notified_at = now() - interval '25 hours'")
    assert kinds(sender.deliver()) == {"mail": ["still"], "hook": ["still"]}
    assert not sender.is_due()


def test_an_alert_that_is_not_raised_again_in_time_ends(sender: Sender, platform: PlatformHook) -> None:
    platform.raise_alert(KEY, "error", "amount is wrong", lapses_s=0.01)
    platform.raise_alert("other", "error", "stays", lapses_s=600)
    sender.deliver()
    assert sender.is_due()
    assert kinds(sender.deliver()) == {"mail": ["over"], "hook": ["over"]}
    assert [alert.key for alert in platform.open_alerts()] == ["other"]


@pytest.fixture
def connections(stack: Any, name: str, platform: PlatformHook, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`connections(extra)`: Airflow's connections in the environment, alerts_default with this extra."""
    parts = psycopg.conninfo.conninfo_to_dict(stack.superuser_dsn(f"{name}_platform"))

    def put(extra: Any) -> None:
        place = {"host": parts["host"], "port": int(parts["port"]), "login": parts["user"]}
        body = {"conn_type": "postgres", "schema": parts["dbname"], "password": parts["password"], **place}
        monkeypatch.setenv("AIRFLOW_CONN_PLATFORM_DEFAULT", json.dumps(body))
        monkeypatch.setenv("AIRFLOW_CONN_ALERTS_DEFAULT", json.dumps({"conn_type": "generic", "extra": extra}))

    return put


def test_the_trigger_waits_until_something_is_due_and_the_task_sends_it(
    connections: Any, platform: PlatformHook, receivers: Receivers, tmp_path: Path
) -> None:
    from airflow.sdk.exceptions import TaskDeferred

    connections(receivers.extra)
    operator = SendAlertsOperator(task_id="send", schemas=str(tmp_path), poll_s=0.1, gather_s=0.2)
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute({})  # type: ignore[arg-type]
    path, arguments = deferred.value.trigger.serialize()
    assert path == "headrace.services.notifications.triggers.AlertsDueTrigger"

    async def first(seconds: float) -> Any:
        async def event() -> Any:
            async for each in AlertsDueTrigger(**arguments).run():
                return each.payload

        return await asyncio.wait_for(event(), seconds)

    with pytest.raises(TimeoutError):
        asyncio.run(first(1.0))
    platform.raise_alert(KEY, "error", "amount is wrong")
    assert asyncio.run(first(10.0)) == {"event": "due"}
    with pytest.raises(TaskDeferred):
        operator.on_due({}, {"event": "due"})  # type: ignore[arg-type]
    assert len(receivers.hook.messages) == len(receivers.mail.messages) == 1


def test_without_a_route_alerts_stay_and_the_log_reports_it(
    connections: Any, platform: PlatformHook, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    connections({"routes": [{"name": "default", "url": "env:HEADRACE_ALERTS_URL"}]})
    platform.raise_alert(KEY, "error", "amount is wrong")
    sender = Sender.of(read_extra(), platform, str(tmp_path))
    assert not sender.is_due()
    assert sender.deliver() == ()
    text = " ".join(sender.summary())
    assert "no route in the connection alerts_default: alerts stay in the platform's database" in text
    assert "HEADRACE_ALERTS_URL, which is not set here" in text


def read_extra() -> Any:
    from headrace.services.notifications.triggers import extra_of

    return extra_of()


def test_a_connection_that_is_not_there_is_no_route() -> None:
    assert read_extra() == {}


def test_a_failed_task_is_an_alert_and_its_next_success_the_end(connections: Any, platform: PlatformHook) -> None:
    connections({})
    context: Any = {
        "task": SimpleNamespace(task_id="refine", owner="till", dataset="shop.items"),
        "dag": SimpleNamespace(dag_id="refine_shop_items", schedule="@daily"),
        "ti": SimpleNamespace(log_url="http://af/dags/refine_shop_items"),
        "exception": SystemRefused("lake", "here", "no such table for hush-hush-42"),
    }
    mask_secret("hush-hush-42")
    failures.raise_on_failure(context)
    failures.raise_on_failure(context)
    (alert,) = platform.open_alerts()
    assert (alert.key, alert.severity, alert.dataset, alert.owner, alert.times, alert.link) == (
        "dag:refine_shop_items:refine", "error", "shop.items", "till", 2, "http://af/dags/refine_shop_items",
    )  # fmt: skip
    assert alert.text.endswith("failed: lake at here: no such table for ***")
    failures.resolve_on_success(context)
    assert platform.open_alerts() == ()


def test_a_continuous_task_recovers_when_it_no_longer_fails(connections: Any, platform: PlatformHook) -> None:
    connections({})
    context: Any = {
        "task": SimpleNamespace(task_id="keep", owner="platform"),
        "dag": SimpleNamespace(dag_id="stream_x", schedule="@continuous"),
        "ti": SimpleNamespace(log_url=""),
    }
    failures.raise_on_failure(context)
    with platform.transaction() as connection:
        (left,) = connection.execute("SELECT extract(epoch FROM lapses_at - now())::int FROM alerts").fetchall()[0]
    assert 1_790 < left <= 1_800
    assert "it was killed, or timed out" in platform.open_alerts()[0].text
