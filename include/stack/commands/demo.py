"""Run the steps of `./headrace demo` in order and show each one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from rich.markup import escape
from rich.table import Table

from headrace.systems.text import one_line
from include.stack.console import out
from include.stack.contracts import applied
from include.stack.demo import orders
from include.stack.demo.remove import LEFT, REMOVED, remove
from include.stack.demo.stage import Stage
from include.stack.demo.step import Seen, Step
from include.stack.demo.story import STEPS
from include.stack.services.streams import plans
from include.stack.settings import Settings
from include.stack.steps import is_sentence
from include.stack.supervision.supervisor import Supervisor

Report = Callable[[str], None]
GROUP: Final = "retail"


class DemoStopped(Exception):
    """A step failed; the message names the step, the cause and how to repeat it."""


def is_ready(s: Settings) -> bool:
    """Return whether the stack is up and streams the shop."""
    return Supervisor(s).is_up() and GROUP in plans(s)


def demo(s: Settings, report: Report, *, first: int = 1, pause: Callable[[], object] | None = None) -> None:
    """Run the demo from step `first`; call `pause` between two steps. Raises DemoStopped."""
    if first > 1 and orders.DATASET not in applied(s):
        raise DemoStopped(f"{orders.DATASET} does not exist yet: run ./headrace demo from its first step")
    out.print(f"Load the passwords for the commands of each step: set -a; . {s.env_file}; set +a", soft_wrap=True)
    run_steps(STEPS, Stage(s, report), first=first, pause=pause)
    out.print(f"\nThe demo is complete. {LEFT}", soft_wrap=True)


def clean_up(s: Settings, report: Report) -> None:
    """Remove the dataset of the demo."""
    remove(Stage(s, report))
    out.print(REMOVED, soft_wrap=True)


def run_steps(steps: Sequence[Step], stage: Stage, *, first: int, pause: Callable[[], object] | None) -> None:
    """Run the steps from number `first` and show each one. Raises DemoStopped at the first that fails."""
    for number, step in enumerate(steps, 1):
        if number < first:
            continue
        if pause and number > first:
            pause()
        out.print(f"\n[bold]{number}. {escape(step.title)}[/bold]\n{escape(step.about)}", soft_wrap=True)
        for command in step.commands(stage.s):
            out.print(f"  [cyan]{escape(command)}[/cyan]", soft_wrap=True)
        _show(_run(number, step, stage))


def _run(number: int, step: Step, stage: Stage) -> Seen:
    try:
        return step.act(stage)
    except Exception as error:
        cause = str(error) if is_sentence(error) else f"{type(error).__name__}: {one_line(error)}"
        again = f"./headrace demo --from {number}" if number > 1 else "./headrace demo"
        raise DemoStopped(f"step {number}, {step.title}: {cause}; then run {again} to repeat the step") from error


def _show(seen: Seen) -> None:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2))
    for label, value in seen.facts:
        table.add_row(f"  {escape(label)}", f"[green]{escape(value)}[/green]")
    out.print(table)
    for line in seen.see_also:
        out.print(f"  Look: {escape(line)}", soft_wrap=True)
