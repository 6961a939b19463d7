"""Operators of dead letters: collect them; show, replay or discard them."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import BaseOperator

from headrace.contracts.index import load_index
from headrace.services.dead_letters.selection import Selection

if TYPE_CHECKING:
    from airflow.sdk import Context

    from headrace.services.dead_letters.ledger import DeadLetterLedger

ACTIONS: Final = ("show", "replay", "discard")
"""Actions on the selected dead letters: list them, write them to their destination, give them up."""
SHOWN: Final = 50
"""Maximum number of dead letters that the log lists; of the others it has only the number."""
STOP_WITHIN_S: Final = 10.0


class CollectLettersOperator(BaseOperator):
    """Collects records that streams and sinks refused into the quarantine; raises an alert while any wait.

    Args:
        schemas: folder of the contracts.
    """

    ui_color = "#fadbd8"

    def __init__(self, *, schemas: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.schemas = schemas

    def execute(self, context: Context) -> dict[str, int]:
        """Return, by refuser, the number of dead letters that wait. Raises SystemUnavailable, SystemRefused."""
        from headrace.services.dead_letters.collect import Collecting, raise_alerts
        from headrace.services.dead_letters.quarantine import Quarantine
        from headrace.systems.kafka.hook import KafkaHook
        from headrace.systems.lake.hook import LakeHook

        ledger = _ledger()
        contracts = load_index(Path(self.schemas)).values()
        kafka, quarantine = KafkaHook.from_connection(), Quarantine(LakeHook.from_connection())
        collecting = Collecting(kafka, quarantine, ledger, contracts)
        for name, count in collecting.collect().items():
            self.log.info("%s: %s new dead letters", name, f"{count:,}")
        waiting = raise_alerts(ledger.platform, [refuser.name for refuser in collecting.refusers], ledger.statistics())
        for name, count in waiting.items():
            self.log.warning("%s: %s dead letters wait", name, f"{count:,}")
        return waiting


class ReplayLettersOperator(BaseOperator):
    """Shows, replays or discards the selected dead letters.

    A replay runs in a separate process, which gets the systems' addresses in its environment. If it dies, the next
    replay completes its work.

    Args:
        schemas: folder of the contracts.
        application: file of the job.
        action: `show`, `replay` or `discard` (templated).
        selection: filters by the names of `selection.FILTERS` (templated).
    """

    template_fields: Sequence[str] = ("action", "selection")
    ui_color = "#fadbd8"

    def __init__(
        self, *, schemas: str, application: str, action: str, selection: Mapping[str, Any], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.schemas = schemas
        self.application = application
        self.action = action
        self.selection = dict(selection)
        self._process: subprocess.Popen[str] | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Return how many dead letters were selected and what was done with them.

        Raises:
            AirflowFailException: the selection is invalid, or some dead letters could not be replayed.
            AirflowException: the process failed; its output is in the task's log.
        """
        from airflow.sdk.exceptions import AirflowFailException

        if self.action not in ACTIONS:
            raise AirflowFailException(f"`action` must be one of {', '.join(ACTIONS)}; got {self.action!r}")
        try:
            selection = Selection.from_params(self.selection)
        except ValueError as wrong:
            raise AirflowFailException(str(wrong)) from wrong
        ledger = _ledger()
        result: dict[str, Any] = {"action": self.action, "selected": self._show(ledger, selection)}
        if self.action == "discard":
            result["discarded"] = ledger.discard(selection)
        if self.action == "replay":
            result |= self._replay()
            self._count_anew(ledger, result["topics"])
        self._raise_alerts(ledger)
        if result.get("problems"):
            raise AirflowFailException("; ".join(result["problems"]))
        return result

    def on_kill(self) -> None:
        """Stop the process together with the task."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def _show(self, ledger: DeadLetterLedger, selection: Selection) -> int:
        entries = ledger.waiting(selection)
        self.log.info("%s dead letters wait (%s)", f"{len(entries):,}", selection)
        for entry in entries[:SHOWN]:
            by, topic, partition, offset = entry.position
            self.log.info("%s refused %s %d/%d: %s: %s", by, topic, partition, offset, entry.rule, entry.reason)
        if len(entries) > SHOWN:
            self.log.info("… and %s more", f"{len(entries) - SHOWN:,}")
        return len(entries)

    def _replay(self) -> dict[str, Any]:
        from airflow.sdk.exceptions import AirflowException

        with tempfile.TemporaryDirectory(prefix="headrace-letters-") as folder:
            request, result = Path(folder) / "request.json", Path(folder) / "result.json"
            request.write_text(json.dumps({"schemas": self.schemas, "selection": self.selection}))
            command = [sys.executable, self.application, str(request), str(result)]
            environ = {**os.environ, "HEADRACE_LETTERS": json.dumps(_endpoints())}
            self._process = subprocess.Popen(
                command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            assert self._process.stdout is not None
            for line in self._process.stdout:
                self.log.info("%s", line.rstrip())
            if code := self._process.wait():
                raise AirflowException(
                    f"the replay ended with code {code}; see the log. The next replay completes its work"
                )
            done: dict[str, Any] = json.loads(result.read_text())
        for what in ("replayed", "still_refused"):
            self.log.info("%s: %s", what.replace("_", " "), done[what] or "none")
        return done

    def _count_anew(self, ledger: DeadLetterLedger, topics: Sequence[str]) -> None:
        """Delete the counts of the replayed topics: they had the records as unreadable. Status counts them again."""
        from headrace.systems.kafka.hook import KafkaHook

        kafka = KafkaHook.from_connection()
        for topic in topics:
            if not any(kafka.begin_offsets(topic).values()):  # a topic without its beginning cannot be counted again
                ledger.platform.forget_count("kafka", topic)

    def _raise_alerts(self, ledger: DeadLetterLedger) -> None:
        from headrace.planning.dead_letters import refusers
        from headrace.services.dead_letters.collect import raise_alerts

        names = [refuser.name for refuser in refusers(load_index(Path(self.schemas)).values())]
        for name, count in raise_alerts(ledger.platform, names, ledger.statistics()).items():
            self.log.info("%s: %s dead letters still wait", name, f"{count:,}")


def _ledger() -> DeadLetterLedger:
    from headrace.services.dead_letters.ledger import DeadLetterLedger
    from headrace.systems.platform.hook import PlatformHook

    return DeadLetterLedger(PlatformHook.from_connection())


def _endpoints() -> dict[str, Any]:
    """Return the systems' endpoints with their secrets, for the environment of the process only, never for a log."""
    from headrace.systems.bundle import Endpoints

    places = Endpoints.from_connections()
    named = {name: getattr(places, name) for name in ("registry", "lake", "warehouse", "platform")}
    return {name: dataclasses.asdict(place) for name, place in named.items()}
