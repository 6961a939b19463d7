"""Service of PostgreSQL, and the creation of its cluster."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile

import psycopg

from headrace.systems.text import one_line
from include.stack.databases import SUPERUSER, superuser_dsn
from include.stack.install import POSTGRES_BIN
from include.stack.privileges import POSTGRES_USER, as_postgres
from include.stack.services.process import Process
from include.stack.services.service import Service
from include.stack.settings import Settings
from include.stack.steps import AGAIN, StepFailed


def service(s: Settings) -> Service:
    """Return the service of the server that holds all databases."""
    options = {
        "listen_addresses": s.bind, "port": s.port("POSTGRES"), "unix_socket_directories": "",
        "wal_level": "logical", "max_wal_senders": 10, "max_replication_slots": 10, "max_connections": 120,
        "shared_buffers": "256MB", "max_wal_size": "4GB", "wal_compression": "on",
        # An unread slot must not fill the disk; a lost slot is detected and followed by a new snapshot.
        "max_slot_wal_keep_size": "16GB",
        "synchronous_commit": "on", "password_encryption": "scram-sha-256", "log_min_messages": "warning",
    }  # fmt: skip
    flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    command = (str(POSTGRES_BIN / "postgres"), "-D", str(s.data / "postgres"), *flags)
    return Service(Process("postgres", command, as_postgres=True, stop_signal="INT"), lambda: _answers(s))


def make_cluster(s: Settings) -> None:
    """Create the cluster by `initdb`, once; an incomplete cluster is re-created. Raises StepFailed."""
    data, unfinished = s.data / "postgres", s.data / "postgres.unfinished"
    if (data / "PG_VERSION").exists() and not unfinished.exists():
        return
    unfinished.touch()
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True, mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(data, POSTGRES_USER, POSTGRES_USER)
    with tempfile.NamedTemporaryFile("w", dir="/tmp") as password:
        password.write(s["HEADRACE_PASSWORD_POSTGRES"])
        password.flush()
        if os.geteuid() == 0:
            shutil.chown(password.name, POSTGRES_USER)
        command = [
            str(POSTGRES_BIN / "initdb"), "-D", str(data), "-U", SUPERUSER, f"--pwfile={password.name}",
            "--auth=scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions",
        ]  # fmt: skip
        command = as_postgres(command) if os.geteuid() == 0 else command
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd="/")
    if done.returncode:
        shutil.rmtree(data, ignore_errors=True)
        raise StepFailed(f"could not create PostgreSQL's cluster: {one_line(done.stderr)}; {AGAIN}")
    unfinished.unlink()


def _answers(s: Settings) -> bool:
    try:
        psycopg.connect(superuser_dsn(s), connect_timeout=2).close()
    except psycopg.Error:
        return False
    return True
