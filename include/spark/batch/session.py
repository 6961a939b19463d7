"""A Spark session over the lake, configured by the environment that `LakeJobOperator` gives."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

_kept: list[SparkSession] = []


@contextmanager
def lake_session() -> Iterator[SparkSession]:
    """The session; the catalog `lake` is the lake. Stopped at the end, unless this process keeps one for its jobs."""
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
    """Every job of this process gets this session from now on."""
    _kept[:] = [session]


def lake_conf() -> dict[str, str]:
    """Spark's configuration of the catalog; holds secrets."""
    found: dict[str, str] = json.loads(os.environ["HEADRACE_SPARK_CONF"])
    return found


def platform_jdbc() -> dict[str, str]:
    """url, user and password of the platform's database."""
    found: dict[str, str] = json.loads(os.environ["HEADRACE_PLATFORM_JDBC"])
    return found
