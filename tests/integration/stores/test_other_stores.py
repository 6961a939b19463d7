"""Object store and catalog are settings, never code: the whole chain on those that the test stack does not use."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest

from include.stack import settings
from include.stack.commands.stop import remove
from tests.conftest import Stack

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(900)]

STORES: Mapping[str, Mapping[str, str]] = {
    "seaweedfs-jdbc": {"HEADRACE_OBJECT_STORE": "seaweedfs", "HEADRACE_CATALOG": "jdbc"},
    "minio-jdbc": {"HEADRACE_OBJECT_STORE": "minio", "HEADRACE_CATALOG": "jdbc"},
}
INSTANCE: Mapping[str, str] = {
    "HEADRACE_INSTANCE": "stores",
    "HEADRACE_PORT_BASE": "29000",
    "HEADRACE_SAMPLE": "2000",
    "HEADRACE_CONTRACTS": "",
}


@pytest.fixture(params=STORES)
def other(request: pytest.FixtureRequest, stack: Stack) -> Iterator[tuple[Stack, dict[str, Any]]]:
    """A second stack on other stores, served; and what `./headrace status --json` says of it."""
    chosen = STORES[request.param]
    if chosen["HEADRACE_OBJECT_STORE"] == "minio" and shutil.which("minio") is None:
        pytest.skip("there is no `minio` on the PATH: the chain on MinIO was not run")
    environ = os.environ | INSTANCE | chosen
    try:
        _headrace(stack, environ, "up", "--streams-only")
        yield Stack(settings.load(environ)), json.loads(_headrace(stack, environ, "status", "--json"))
    finally:
        remove(settings.load(environ))


def test_every_hop_holds_the_same_and_spark_reads_the_lake(other: tuple[Stack, dict[str, Any]]) -> None:
    there, status = other
    for dataset, hops in status["datasets"].items():
        rows = {hop: hops[hop]["rows"] for hop in ("source", "kafka", "raw", "warehouse")}
        assert len(set(rows.values())) == 1, f"{dataset}: {rows}"
        assert rows["source"], dataset

    there.airflow.pause("prove_raw", paused=False)
    run = there.airflow.trigger("prove_raw")
    there.airflow.wait_for_run("prove_raw", run, 240, lambda line: None)
    with psycopg.connect(there.platform_dsn) as platform:
        proofs = platform.execute("SELECT name, changes, positions FROM raw_proofs").fetchall()
    proven = {name: (changes, positions) for name, changes, positions in proofs}
    for dataset in status["datasets"]:  # what is landed from files is proven too, and is no dataset of the stream
        changes, positions = proven[f"raw.{dataset.replace('.', '_')}"]
        assert changes == positions > 0, dataset


def _headrace(stack: Stack, environ: Mapping[str, str], *arguments: str) -> str:
    command = [str(stack.settings.root / "headrace"), *arguments]
    done = subprocess.run(command, env=dict(environ), capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, f"./headrace {arguments[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}"
    return done.stdout
