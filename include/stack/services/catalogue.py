"""Catalogue of an instance's services and processes, in start order."""

from __future__ import annotations

from include.stack.services import (
    airflow,
    clickhouse,
    connect,
    kafka,
    lineage,
    minio,
    postgres,
    registry,
    seaweedfs,
    standby,
    watchdog,
)
from include.stack.services.process import Process
from include.stack.services.service import Service
from include.stack.services.streams import stream_processes
from include.stack.settings import Settings


def services(s: Settings) -> tuple[Service, ...]:
    """Return all permanent services, without the stream drivers."""
    store = minio if s["HEADRACE_OBJECT_STORE"] == "minio" else seaweedfs
    own = tuple(module.service(s) for module in (postgres, store, kafka, clickhouse, registry, connect, lineage))
    return (*own, *airflow.services(s), standby.service(s), watchdog.service())


def definitions(s: Settings) -> tuple[Process, ...]:
    """Return the processes of the services and of the stream groups."""
    return (*(service.process for service in services(s)), *stream_processes(s))
