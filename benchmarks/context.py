"""What a benchmark is handed: the running stack, a way to say how far it is, and how much to do."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from benchmarks import cpu
from headrace.contracts.contract import Contract
from headrace.systems.bundle import Systems
from include.stack.commands.status import hop_table
from include.stack.contracts import contracts
from include.stack.endpoints import systems
from include.stack.settings import Settings
from include.stack.supervision.supervisor import Supervisor

T = TypeVar("T", int, float)

CALM_CORES = 0.5
"""The platform is at rest below so many busy cores; merges and task runs are over then."""

AGREE_WITHIN_S = 300.0


class NotMeasured(Exception):
    """A benchmark could not be carried out; the message says why."""


class Seldom:
    """Passes on at most one line in so many seconds."""

    def __init__(self, report: Callable[[str], None], seconds: float = 5.0) -> None:
        self._report, self._seconds, self._next = report, seconds, time.monotonic() + seconds

    def __call__(self, line: str) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._seconds
            self._report(line)


@dataclass(frozen=True)
class Context:
    """One benchmark against one instance of the stack."""

    settings: Settings
    report: Callable[[str], None]
    environ: Mapping[str, str] = field(hash=False)
    """The environment in which `./headrace` finds this instance."""
    quick: bool = False
    """Tiny amounts: proves that a benchmark works, measures nothing."""
    rows: int | None = None
    """Rows to write, instead of the benchmark's own number; for those that take a number of rows."""

    @cached_property
    def systems(self) -> Systems:
        """The hooks of the instance."""
        return systems(self.settings)

    @cached_property
    def contracts(self) -> tuple[Contract, ...]:
        """The datasets that come by CDC."""
        return tuple(contract for contract in contracts(self.settings).values() if contract.captured)

    def contract(self, dataset: str) -> Contract:
        """One of them."""
        return next(contract for contract in self.contracts if contract.id == dataset)

    def amount(self, full: T, quick: T) -> T:
        """How much to do."""
        return quick if self.quick else full

    def cpu(self, **more: int) -> cpu.Reading:
        """CPU-seconds so far of every supervised process, of this one, and of those named with their pids."""
        roots = {state.name: state.pid for state in Supervisor(self.settings).states() if state.pid}
        return cpu.read({**roots, **more, "bench": os.getpid()})

    def wait(self, done: Callable[[], bool], seconds: float, what: str, every_s: float = 0.2) -> float:
        """Ask until it is done; the moment (epoch seconds) at which the answer came.

        Raises:
            NotMeasured: it took longer.
        """
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                raise NotMeasured(f"{what}: not within {seconds:.0f} s")
            time.sleep(every_s)
        return time.time()

    def settle(self, seconds: float = 120.0) -> None:
        """Wait until every hop holds the same, and then until the platform is at rest: what went before is over.

        Rows still on their way would be taken for rows of the next measurement.

        Raises:
            NotMeasured: the hops do not come to agree.
        """
        self.report("waiting until every hop holds the same")
        self.wait(
            lambda: all(row.agree for row in hop_table(self.settings)), AGREE_WITHIN_S, "the same at every hop", 2
        )
        if not self.quick:
            self._rest(seconds)

    def _rest(self, seconds: float) -> None:
        self.report("waiting until the platform is at rest")
        deadline, calm, busy = time.monotonic() + seconds, 0, 0.0
        while calm < 3 and time.monotonic() < deadline:
            before = self.cpu()
            time.sleep(2)
            after = self.cpu()
            busy = cpu.spent(before, after)["platform"] / (after.at - before.at)
            calm = calm + 1 if busy < CALM_CORES else 0
        if calm < 3:
            self.report(f"not at rest after {seconds:.0f} s, {busy:.2f} cores busy: going on")
