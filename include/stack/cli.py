"""Command-line interface of ./headrace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from traceback import format_exception
from typing import Annotated

import typer
from rich.markup import escape

from include.stack import settings as configuration
from include.stack.console import Progress, err, out, quiet_libraries
from include.stack.settings import Settings

app = typer.Typer(
    name="headrace",
    help="A data platform on one machine. ./headrace up starts it and loads the example data; ./headrace test tests it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
MORE = "Working on Headrace"


@app.command()
def up(
    platform_only: Annotated[
        bool, typer.Option("--platform-only", help="Start the processes only; load no data and apply no contracts.")
    ] = False,
    streams_only: Annotated[
        bool, typer.Option("--streams-only", help="Leave refinement, marts, checks and maintenance paused.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Also wait until every mart is built.")] = False,
) -> None:
    """Install what is missing, start everything, load the example data and wait until it is served.

    Refinement, marts, checks and maintenance then continue in the background. Idempotent: run it again at any time; it
    continues from the current state.
    """
    from include.stack.commands.preflight import problems
    from include.stack.commands.start import start
    from include.stack.install import install

    progress, s = Progress(), _settings()
    found = problems(s)
    if found:
        for problem in found:
            err.print(f"[red]✗[/red] {problem}")
        raise typer.Exit(2)
    s = configuration.ensure_secrets(s)
    installing = install(s, progress)
    if platform_only:
        start(s, progress, installing, seed=lambda: None)
        return
    from include.stack.commands.status import render_hops
    from include.stack.commands.up import load_shop, main_job

    start(s, progress, installing, seed=lambda: load_shop(s, progress))
    table = main_job(s, progress, streams_only=streams_only)
    served_s = progress.seconds
    if wait and not streams_only:
        from include.stack.commands.batch import wait_for_batch

        wait_for_batch(s, progress)
    out.print(f"\nServed after {served_s:.0f} s.\n")
    out.print(render_hops(table))
    if not (wait or streams_only):
        out.print(
            "\nRefinement, marts and checks continue in the background; ./headrace up --wait waits for the marts."
        )
    _addresses(s)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Redraw the screen until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option("--every", min=0.1, help="Seconds between two drawings of --watch.")] = 2.0,
) -> None:
    """Show datasets, marts, checks, alerts, running jobs, waiting cells and processes on one screen."""
    if as_json and watch:
        raise typer.BadParameter("--watch redraws a screen and --json prints once: give only one of them")
    from include.stack.commands import status as content
    from include.stack.commands.status_screen import DOWN, render
    from include.stack.commands.status_screen import watch as redraw

    s = _settings()
    if as_json:
        sys.stdout.write(json.dumps(content.as_json(s), indent=2) + "\n")
        return
    measured = content.screen(s)
    if watch:
        redraw(lambda: render(measured()), every, out)
        return
    found = measured()
    if not found.processes:
        out.print(DOWN)
        raise typer.Exit(3)
    out.print(render(found), soft_wrap=not out.is_terminal)


@app.command()
def demo(
    unattended: Annotated[
        bool, typer.Option("--unattended", help="Do not wait for Enter between steps; the default without a terminal.")
    ] = False,
    first: Annotated[int, typer.Option("--from", min=1, max=7, help="Number of the step to start at.")] = 1,
    clean_up: Annotated[bool, typer.Option("--clean-up", help="Remove the demo's dataset; run no step.")] = False,
) -> None:
    """Show the platform step by step: change a row, add a column, break a rule, travel in time, kill a process.

    Uses a dataset of its own, retail.demo_orders. It needs ./headrace up first, and can be repeated at any time.
    """
    from include.stack.commands import demo as story

    s = _settings()
    if not story.is_ready(s):
        out.print("The shop is not streamed. Start it with ./headrace up")
        raise typer.Exit(3)
    if clean_up:
        story.clean_up(s, Progress())
        return
    waits = sys.stdin.isatty() and not unattended
    story.demo(
        s, Progress(), first=first, pause=(lambda: input("\nPress Enter for the next step. ")) if waits else None
    )


@app.command()
def down() -> None:
    """Stop all processes. Data is kept; ./headrace up continues with it."""
    from include.stack.commands.stop import stop
    from include.stack.supervision.supervisor import Supervisor

    s = _settings()
    out.print("stopping" if Supervisor(s).is_up() else "Headrace is not running")
    stop(s)


@app.command()
def clean(yes: Annotated[bool, typer.Option("--yes", help="Skip the confirmation prompt.")] = False) -> None:
    """Stop all processes and delete this instance's data and secrets, after a confirmation prompt."""
    from include.stack.commands.stop import remove

    s = _settings()
    if not yes and not typer.confirm(f"Delete all data of this instance ({s.home}) and {s.env_file.name}?"):
        raise typer.Exit(1)
    remove(s)
    out.print("deleted; the Python environment and the jars are kept in " + str(s.state))


@app.command()
def logs(
    process: Annotated[
        str, typer.Argument(help="Process name, as in ./headrace status; omit it to list the logs.")
    ] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow the log.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="Number of last lines to show.")] = 50,
) -> None:
    """Show the log of a process."""
    s = _settings()
    there = sorted(path.stem for path in s.logs.glob("*.log"))
    if process not in there:
        out.print("\n".join(there) if there else "no logs yet; run ./headrace up first")
        raise typer.Exit(0 if not process else 2)
    command = ["tail", f"--lines={lines}", *(["--follow"] if follow else []), str(s.logs / f"{process}.log")]
    os.execvp(command[0], command)  # noqa: S606 - replaces this process by tail


@app.command()
def docs(
    serve: Annotated[bool, typer.Option("--serve", help="Serve the site on 127.0.0.1 until Ctrl-C.")] = False,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port of --serve; 0: any free port.")] = 8000,
) -> None:
    """Build the documentation as a site with search. A warning, a dead link or a missing anchor is an error."""
    from include.stack.commands import docs as site

    s = _settings()
    index = site.build(s, s.state / "docs", Progress())
    out.print(f"{index}", soft_wrap=True, markup=False)
    if serve:
        site.serve(index.parent, port, out.print)


lineage = typer.Typer(help="Manage the stored OpenLineage events.", no_args_is_help=True)
app.add_typer(lineage, name="lineage")


@lineage.command()
def replay(
    since: Annotated[
        datetime, typer.Option("--since", help="Send only events received since this time, UTC.")
    ] = datetime(1970, 1, 1),  # noqa: DTZ001 - typer parses no time zone
) -> None:
    """Send all stored events, in order of arrival, to the Marquez server at HEADRACE_MARQUEZ_URL."""
    from include.stack.commands.replay_lineage import NoMarquez
    from include.stack.commands.replay_lineage import replay as send

    try:
        send(_settings(), Progress(), since.replace(tzinfo=UTC))
    except NoMarquez as missing:
        err.print(f"[red]✗[/red] {missing}")
        raise typer.Exit(2) from None


new = typer.Typer(help="Write new files of the project.", no_args_is_help=True)
app.add_typer(new, name="new")


@new.command("dataset")
def new_dataset(
    dataset: Annotated[str, typer.Argument(help="Id of the dataset: domain.name, such as retail.orders.")],
    from_table: Annotated[
        str, typer.Option("--from-table", help="Table to capture: connection:schema.table, such as oltp:retail.orders.")
    ] = "",
    from_json: Annotated[
        Path | None, typer.Option("--from-json", help="Sample of events: a JSON array, or one JSON object per line.")
    ] = None,
    key: Annotated[str, typer.Option("--key", help="Key fields of --from-json, comma-separated.")] = "id",
    team: Annotated[str, typer.Option("--team", help="Team that owns the dataset.")] = "platform",
) -> None:
    """Write the two files of a contract from a table or a sample of JSON, and show the SQL and the plan that follow."""
    from include.stack.commands import new_dataset as drafting

    if bool(from_table) == bool(from_json):
        raise typer.BadParameter("give either --from-table or --from-json")
    s = _settings()
    if from_json:
        written = drafting.write_from_records(s, dataset, from_json, [k.strip() for k in key.split(",")], team)
    else:
        written = drafting.write_from_table(s, dataset, from_table, team)
    for file in written.files:
        out.print(f"wrote {file}", soft_wrap=True)
    for name, why in written.draft.left_out.items():
        out.print(f"[yellow]left out[/yellow] {escape(name)}: {escape(why)}", soft_wrap=True)
    if written.sql:
        out.print("\nThe source database needs:\n" + escape("\n".join(written.sql)), soft_wrap=True)
    out.print(f"\n{escape(drafting.plan(s, dataset))}", soft_wrap=True)
    out.print("Describe the fields, then apply it: trigger apply_contracts in Airflow.")


@app.command(rich_help_panel=MORE)
def lint() -> None:
    """Check style, types and import rules."""
    s = _settings()
    paths = ["plugins", "dags", "include", "tests", "benchmarks"]
    tools = (
        ["ruff", "check", *paths],
        ["ruff", "format", "--check", *paths],
        ["mypy"],
        ["lint-imports"],
    )
    bad = [tool[0] for tool in tools if subprocess.run([_tool(tool[0]), *tool[1:]], cwd=s.root, check=False).returncode]
    if bad:
        err.print(f"[red]✗[/red] {', '.join(bad)}")
        raise typer.Exit(1)


@app.command(rich_help_panel=MORE, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(
    context: typer.Context,
    fast: Annotated[
        bool, typer.Option("--fast", help="Run only the tests that need no stack (under a minute).")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the test stack running afterwards.")] = False,
    long: Annotated[
        bool,
        typer.Option(
            "--long",
            help="Run only the long tests (soaks, large seed sets, random kills); writes benchmarks/results/long.json.",
        ),
    ] = False,
) -> None:
    """Run the tests on a separate stack with its own ports, and remove the stack afterwards.

    Extra arguments are passed to pytest, e.g. ./headrace test tests/integration -k lineage
    """
    from include.stack.commands.testing import run_tests

    if fast and long:
        raise typer.BadParameter("--fast and --long cannot be combined; use only one of them.")
    raise typer.Exit(run_tests(_settings(), context.args, fast=fast, keep=keep, long=long))


@app.command(rich_help_panel=MORE)
def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="Benchmarks to run; default: all. An unknown name lists them.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the benchmark stack running afterwards.")] = False,
    instance: Annotated[str, typer.Option(help="Measure this running instance instead of a separate one.")] = "bench",
    quick: Annotated[
        bool, typer.Option("--quick", help="Smoke test: little data, one repetition, no results written.")
    ] = False,
    repetitions: Annotated[
        int | None, typer.Option(min=1, help="Repetitions; default: each benchmark's own number.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Folder for the results; default: benchmarks/results.")] = None,
    rows: Annotated[
        int | None, typer.Option(min=1, help="Rows written by `fidelity`; default: its own number.")
    ] = None,
) -> None:
    """Measure freshness, load time, catch-up, memory, DAG parsing and start time on a separate stack."""
    from benchmarks.run import main as run_benchmarks

    raise typer.Exit(
        run_benchmarks(
            names or [], keep=keep, instance=instance, quick=quick, repetitions=repetitions, output=output, rows=rows
        )
    )


LOCKED = {"include/stack": [], "include/docs/site": ["--fork-strategy", "fewest"]}
"""Folder with a requirements.in and its lock file → more options. The site is built by one Sphinx on every Python."""


@app.command(rich_help_panel=MORE)
def lock() -> None:
    """Resolve the files requirements.in (the stack's, the documentation's) and rewrite their lock files."""
    s = _settings()
    command = [
        str(s.state / "uv" / "bin" / "uv"), "pip", "compile", "--quiet", "--universal", "--python-version", "3.11",
        "--generate-hashes", "--no-annotate", "--no-header", "--upgrade",
    ]  # fmt: skip
    for folder, options in LOCKED.items():
        files = [f"{folder}/requirements.in", "-o", f"{folder}/requirements.lock"]
        if code := subprocess.run([*command, *options, *files], cwd=s.root, check=False).returncode:
            raise typer.Exit(code)


def _settings() -> Settings:
    return configuration.load()


def _tool(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def _addresses(s: Settings) -> None:
    base = f"http://{s.bind}"
    out.print(f"""
Airflow          {base}:{s.port("AIRFLOW")}   user {s["HEADRACE_AIRFLOW_USER"]}, password: HEADRACE_PASSWORD_AIRFLOW in {s.env_file.name}
ClickHouse       {base}:{s.port("CLICKHOUSE")}/play   user analyst, password: HEADRACE_PASSWORD_ANALYST
Schema registry  {base}:{s.port("REGISTRY")}   user headrace, password: HEADRACE_PASSWORD_REGISTRY
Kafka Connect    {base}:{s.port("CONNECT")}   user headrace, password: HEADRACE_PASSWORD_CONNECT
Object store     {base}:{s.port("S3")}   keys: HEADRACE_S3_ACCESS_KEY, HEADRACE_S3_SECRET_KEY

Next: run ./headrace shop live to generate sales, and ./headrace status to see the rows arrive.""")


def main() -> None:
    """Run a command and print an error as one sentence, without a traceback."""
    from include.shop.cli import app as shop

    quiet_libraries()
    try:
        _lend_shop_its_places()
        app.add_typer(shop, name="shop")
        app(prog_name="./headrace")
    except KeyboardInterrupt:
        err.print("stopped; run the command again to continue")
        raise SystemExit(130) from None
    except Exception as error:
        err.print(f"[red]✗[/red] {escape(_sentence(error))}", soft_wrap=True)
        raise SystemExit(1) from None


def _sentence(error: Exception) -> str:
    """Return the error's message. Write the traceback of an error that is not ours to a file."""
    from include.stack.steps import is_sentence

    if is_sentence(error):
        return str(error)
    file = _settings().logs / "headrace.log"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as log:
        log.write(f"{datetime.now(UTC).isoformat()} {' '.join(sys.argv[1:])}\n{''.join(format_exception(error))}\n")
    return f"{type(error).__name__}: {' '.join(str(error).split())}; the traceback is in {file}"


def _lend_shop_its_places() -> None:
    from include.stack.connections import LANDING
    from include.stack.databases import role_dsn

    s = _settings()
    if s.values.get("HEADRACE_PASSWORD_SHOP"):
        os.environ.setdefault("HEADRACE_OLTP_DSN", role_dsn(s, "shop"))
        keys = f"{s['HEADRACE_S3_ACCESS_KEY']}:{s['HEADRACE_S3_SECRET_KEY']}"
        os.environ.setdefault("HEADRACE_LANDING_URL", f"http://{keys}@{s.bind}:{s.port('S3')}/{LANDING}")


if __name__ == "__main__":
    main()
