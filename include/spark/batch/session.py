"""Spark session for the lake, configured by environment variables from `LakeJobOperator`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

_kept: list[SparkSession] = []


@contextmanager
def lake_session() -> Iterator[SparkSession]:
    """Yield a session with the catalog `lake`; stop it at the end, unless this process keeps one for its jobs."""
    if _kept:
        yield _kept[0]
        return
    builder = SparkSession.builder
    for name, value in lake_conf().items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    try:
        yield session
    finally:
        session.stop()


def keep(session: SparkSession) -> None:
    """Keep this session for all later jobs of this process."""
    _kept[:] = [session]


def lake_conf() -> dict[str, str]:
    """Return Spark's configuration of the catalog; contains secrets."""
    found: dict[str, str] = json.loads(os.environ["HEADRACE_SPARK_CONF"])
    return found


def platform_jdbc() -> dict[str, str]:
    """Return url, user and password of the platform's database."""
    found: dict[str, str] = json.loads(os.environ["HEADRACE_PLATFORM_JDBC"])
    return found
