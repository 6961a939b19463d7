"""What a DAG may ask about dead letters: that they are collected, and that they are replayed."""

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

    from headrace.services.dead_letters.ledger import LetterLedger

ACTIONS: Final = ("show", "replay", "discard")
"""What may be done with selected letters: nothing, put them where they belong, give them up."""
SHOWN: Final = 50
"""Letters that are named one by one; of the others only how many there are."""
STOP_WITHIN_S: Final = 10.0


class CollectLettersOperator(BaseOperator):
    """Brings what streams and sinks refused into the quarantine, and raises an alert while any of it waits.

    Args:
        schemas: folder of the contracts.
    """

    ui_color = "#fadbd8"

    def __init__(self, *, schemas: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.schemas = schemas

    def execute(self, context: Context) -> dict[str, int]:
        """Refuser → letters that wait. Raises SystemUnavailable, SystemRefused."""
        from headrace.services.dead_letters.collect import Collecting, tell
        from headrace.services.dead_letters.quarantine import Quarantine
        from headrace.systems.kafka.hook import KafkaHook
        from headrace.systems.lake.hook import LakeHook

        ledger = _ledger()
        contracts = load_index(Path(self.schemas)).values()
        kafka, quarantine = KafkaHook.from_connection(), Quarantine(LakeHook.from_connection())
        collecting = Collecting(kafka, quarantine, ledger, contracts)
        for name, count in collecting.collect().items():
            self.log.info("%s: %s new letters", name, f"{count:,}")
        waiting = tell(ledger.platform, [refuser.name for refuser in collecting.refusers], ledger.tallies())
        for name, count in waiting.items():
            self.log.warning("%s: %s letters wait", name, f"{count:,}")
        return waiting


class ReplayLettersOperator(BaseOperator):
    """Shows, replays or discards the selected letters.

    A replay runs in a process of its own, which gets the systems' addresses by its environment. When it dies, the next
    replay ends what it began.

    Args:
        schemas: folder of the contracts.
        application: file of the job.
        action: `show`, `replay` or `discard` (templated).
        selection: which letters, by the names of `selection.FILTERS` (templated).
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
        """What was selected and what became of it.

        Raises:
            AirflowFailException: the selection cannot be read, or some letters could not be put.
            AirflowException: the process failed; its output stands in the task's log.
        """
        from airflow.sdk.exceptions import AirflowFailException

        if self.action not in ACTIONS:
            raise AirflowFailException(f"action {self.action!r}: write one of {', '.join(ACTIONS)}")
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
        self._tell(ledger)
        if result.get("problems"):
            raise AirflowFailException("; ".join(result["problems"]))
        return result

    def on_kill(self) -> None:
        """End the process with its task."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def _show(self, ledger: LetterLedger, selection: Selection) -> int:
        entries = ledger.waiting(selection)
        self.log.info("%s letters wait (%s)", f"{len(entries):,}", selection)
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
                raise AirflowException(f"the replay ended with code {code}; what it began is ended by the next")
            done: dict[str, Any] = json.loads(result.read_text())
        for what in ("replayed", "still_refused"):
            self.log.info("%s: %s", what.replace("_", " "), done[what] or "none")
        return done

    def _count_anew(self, ledger: LetterLedger, topics: Sequence[str]) -> None:
        """The hop table has counted the records as unreadable: it must read the topics again."""
        from headrace.systems.kafka.hook import KafkaHook

        kafka = KafkaHook.from_connection()
        for topic in topics:
            if not any(kafka.begin_offsets(topic).values()):  # without its beginning it cannot be counted again
                ledger.platform.forget_count("kafka", topic)

    def _tell(self, ledger: LetterLedger) -> None:
        from headrace.planning.dead_letters import refusers
        from headrace.services.dead_letters.collect import tell

        names = [refuser.name for refuser in refusers(load_index(Path(self.schemas)).values())]
        for name, count in tell(ledger.platform, names, ledger.tallies()).items():
            self.log.info("%s: %s letters wait on", name, f"{count:,}")


def _ledger() -> LetterLedger:
    from headrace.services.dead_letters.ledger import LetterLedger
    from headrace.systems.platform.hook import PlatformHook

    return LetterLedger(PlatformHook.from_connection())


def _endpoints() -> dict[str, Any]:
    """Where the systems are, with their secrets: for the environment of the process, never for a log."""
    from headrace.systems.bundle import Endpoints

    places = Endpoints.from_connections()
    named = {name: getattr(places, name) for name in ("registry", "lake", "warehouse", "platform")}
    return {name: dataclasses.asdict(place) for name, place in named.items()}
