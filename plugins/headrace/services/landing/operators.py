"""Operator that lands files from the landing bucket in raw."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from headrace.contracts.index import load_index
from headrace.services.landing.triggers import FilesTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

    from headrace.services.landing.land import Landing
    from headrace.systems.platform.hook import PlatformHook
    from headrace.systems.platform.locks import Held


class LandFilesOperator(BaseOperator):
    """Lands the waiting files, each once and whole; then waits, deferred, for the next file.

    A file that violates its contract is refused: it stays in place, and an alert shows the reason. Replace it by a
    valid file of the same name, or delete it, to resolve the alert.

    Args:
        schemas: index of the applied contracts.
    """

    ui_color = "#d5f5e3"

    def __init__(self, *, schemas: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.schemas = schemas

    def execute(self, context: Context) -> None:
        """Wait for a file. Files that already wait are found at the first poll."""
        self.defer(trigger=FilesTrigger(self.schemas), method_name="land")

    def land(self, context: Context, event: dict[str, Any]) -> dict[str, int]:
        """Land the files of the event's datasets; return rows by dataset. Raises HeldBack if a dataset failed."""
        from headrace.services.landing.hook import LandingHook
        from headrace.services.landing.land import Landing
        from headrace.systems.lake.hook import LakeHook
        from headrace.systems.platform.hook import PlatformHook
        from headrace.systems.turns import Turns

        contracts = load_index(Path(self.schemas))
        platform = PlatformHook.from_connection()
        hooks = LandingHook.from_connection(), LakeHook.from_connection(), platform
        found, turns = dict[str, int](), Turns(self.log.error)
        for dataset in event["datasets"]:
            with turns.of(dataset):
                landing = Landing(contracts[dataset], *hooks)
                with platform.lock(f"land:{dataset}") as lock:
                    found[dataset] = sum(self._land(landing, lock))
                self._raise_alerts(platform, landing)
        turns.end()
        return found

    def _land(self, landing: Landing, lock: Held) -> list[int]:
        due, rows = landing.due(), []
        for place, file in enumerate(due, start=1):
            lock.check()
            done = landing.land(file)
            rows.append(done.rows)
            what = f"refused: {done.reason}" if done.reason else f"{done.rows:,} rows"
            if done.replaced:
                what = "replaced or removed while it was read; no row was landed"
            self.log.info("%s, file %d of %d: %s: %s", landing.contract.id, place, len(due), file.key, what)
        return rows

    def _raise_alerts(self, platform: PlatformHook, landing: Landing) -> None:
        dataset, refused = landing.contract.id, landing.refused()
        prefix = f"landing:{dataset}:"
        for key, reason in refused.items():
            platform.raise_alert(prefix + key, "error", f"{dataset}: file {key} is refused: {reason}", dataset)
        platform.resolve_others(prefix, [prefix + key for key in refused])
