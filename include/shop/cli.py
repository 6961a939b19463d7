"""Commands `shop load`, `shop live` and `shop drop`: load the history, generate live sales, drop files."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated, Literal

import psycopg
import typer

from include.shop.drop import Dropped, drop_coupons, drop_promotions
from include.shop.errors import ShopError
from include.shop.history import LoadProgress, load_history
from include.shop.live import LiveSettings, run_live
from include.shop.pacing import Stop
from include.shop.script import Mix
from include.shop.source import Sample
from include.shop.statistics import Statistics

app = typer.Typer(help="Run the example shop: load its history, generate live sales, drop files.", no_args_is_help=True)

Dsn = Annotated[
    str,
    typer.Option(envvar="HEADRACE_OLTP_DSN", help="Connection string (libpq) of the OLTP database."),
]


@app.command()
def load(
    dsn: Dsn,
    sample: Annotated[
        str,
        typer.Option(
            envvar="SAMPLE",
            help='Sample to load: "all", a share of the baskets (0.01), or a number of rows (5000).',
        ),
    ] = "all",
) -> None:
    """Load the year of history; skip tables that are already loaded."""
    with _plain_errors():
        load_history(dsn, sample, progress=_print_load)


@app.command()
def live(
    dsn: Dsn,
    rows_per_s: Annotated[float, typer.Option(min=0, help="Changed rows per second; 0: as fast as possible.")] = 100.0,
    speed: Annotated[
        float | None, typer.Option(help="Speed as a multiple of real time, instead of --rows-per-s.")
    ] = None,
    rows: Annotated[int | None, typer.Option(min=0, help="Stop after this many changed rows.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0, help="Stop after this many seconds.")] = None,
    seed: Annotated[int, typer.Option(help="Random seed; the same seed replays the same script.")] = 0,
    baskets_per_commit: Annotated[
        int | None, typer.Option(min=1, help="Baskets per transaction; default: derived from the rate.")
    ] = None,
    clock: Annotated[
        Literal["now", "shifted"],
        typer.Option(help="Check-out times: now (time of booking), or shifted (the year's intervals, starting now)."),
    ] = "now",
    plain: Annotated[
        bool, typer.Option("--plain", help="Generate punctual sales only: no corrections, returns or voids.")
    ] = False,
) -> None:
    """Replay the year's baskets as new transactions until stopped with Ctrl-C."""
    stop = Stop()
    with _plain_errors():
        settings = LiveSettings(
            rows_per_s=rows_per_s,
            speed=speed,
            rows=rows,
            seconds=seconds,
            seed=seed,
            baskets_per_commit=baskets_per_commit,
            clock=clock,
            mix=Mix.plain() if plain else Mix(),
        )
        with _stopped_by_signals(stop):
            statistics = run_live(dsn, settings, stop=stop, on_progress=_LivePrinter())
    typer.echo(f"stopped after {statistics.line().strip()}")
    if statistics.unknown:
        raise typer.Exit(1)


@app.command()
def drop(
    url: Annotated[
        str,
        typer.Option(
            envvar="HEADRACE_LANDING_URL", help="URL of the landing bucket: http://key:secret@host:port/bucket."
        ),
    ],
    weeks: Annotated[str, typer.Option(help="Weeks of the year whose promotions are dropped: 10, or 10-12.")] = "1-53",
    sample: Annotated[str, typer.Option(envvar="SAMPLE", help="Sample, as for load.")] = "all",
) -> None:
    """Drop the coupons (one file) and the promotions (one file per week) into the landing bucket."""
    first, _, last = weeks.partition("-")
    with _plain_errors():
        try:
            chosen = range(int(first), int(last or first) + 1)
        except ValueError:
            raise ShopError(f"--weeks must be a week or a range such as 10 or 10-12; got {weeks!r}") from None
        drop_coupons(url, Sample.of(sample), _print_file)
        drop_promotions(url, chosen, Sample.of(sample), _print_file)


class _LivePrinter:
    """Printer of the statistics with the rate since the previous one."""

    def __init__(self) -> None:
        self._before = Statistics()

    def __call__(self, statistics: Statistics) -> None:
        typer.echo(statistics.line(since=self._before))
        self._before = statistics


def _print_file(file: Dropped) -> None:
    typer.echo(f"{file.key}: {file.rows:,} rows")


def _print_load(progress: LoadProgress) -> None:
    if progress.skipped:
        state = "already loaded"
    elif progress.committed:
        state = f"committed in {progress.seconds:.1f} s"
    else:
        state = f"{100 * progress.rows / max(progress.total, 1):.0f} %"
    typer.echo(f"retail.{progress.dataset}: {progress.rows:,} of {progress.total:,} rows, {state}")


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except ShopError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    except psycopg.OperationalError as error:
        typer.echo(f"the OLTP database does not answer: {str(error).strip()}", err=True)
        raise typer.Exit(1) from error


@contextmanager
def _stopped_by_signals(stop: Stop) -> Iterator[None]:
    """Stop after the current transaction on the first SIGINT or SIGTERM, and at once on the second."""

    def on_signal(number: int, _: FrameType | None) -> None:
        stop.request()
        signal.signal(number, before[number])

    numbers: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in before:
        signal.signal(number, on_signal)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    app()
