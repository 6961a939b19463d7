"""Ledger of refinements (platform database): what was done, and up to which offsets raw is refined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from headrace.systems.platform.hook import PlatformHook

RECORD: Final = """
    INSERT INTO refinements (dataset, dag_id, dag_run, selection, changed, watermark, published, outcomes, raw_records, logic)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"""
WATERMARK: Final = """
    SELECT watermark, logic FROM refinements WHERE dataset = %s AND published AND watermark IS NOT NULL
     ORDER BY id DESC LIMIT 1"""
REFINED: Final = """
    SELECT DISTINCT ON (dataset) dataset, raw_records, extract(epoch FROM now() - at)::float8 FROM refinements
     WHERE dataset = ANY (%s) AND published AND raw_records IS NOT NULL
     ORDER BY dataset, id DESC"""
BUILT: Final = """
    SELECT DISTINCT ON (dataset) dataset, selection -> 'inputs', extract(epoch FROM now() - at)::float8 FROM refinements
     WHERE dataset = ANY (%s) AND published
     ORDER BY dataset, id DESC"""
LAST: Final = """
    SELECT asked.dataset, newest.at, newest.published, published.at, complete.raw_records
      FROM unnest(%s::text[]) AS asked (dataset)
      JOIN LATERAL (SELECT at, published FROM refinements
                     WHERE dataset = asked.dataset ORDER BY id DESC LIMIT 1) AS newest ON true
      LEFT JOIN LATERAL (SELECT at FROM refinements
                          WHERE dataset = asked.dataset AND published ORDER BY id DESC LIMIT 1) AS published ON true
      LEFT JOIN LATERAL (SELECT raw_records FROM refinements
                          WHERE dataset = asked.dataset AND published AND raw_records IS NOT NULL
                          ORDER BY id DESC LIMIT 1) AS complete ON true"""


class Built(NamedTuple):
    """Build of a mart."""

    inputs: dict[str, int] | None
    """Contents of its inputs, table → snapshot; None: a build of an older version."""
    ago_s: float


class Refined(NamedTuple):
    """Refinement of all changes that were in raw."""

    records: int
    """Number of changes that raw held then."""
    ago_s: float


class Last(NamedTuple):
    """Newest refinement of a dataset, or newest build of a mart."""

    at: datetime
    published: bool
    published_at: datetime | None = None
    """Time of the newest one that was published."""
    records: int | None = None
    """Number of changes that raw held at the newest refinement of all of them; None for marts."""


class Ledger:
    """Reads and writes the table of refinements, on the side of Airflow."""

    def __init__(self, platform: PlatformHook) -> None:
        self._platform = platform

    def record(
        self,
        dag_run: str,
        selection: Mapping[str, Any],
        result: Mapping[str, Any],
        *,
        dag_id: str,
        logic: str | None = None,
    ) -> None:
        """Record a refinement, after it is published. Without the record it is only repeated once."""
        from psycopg.types.json import Jsonb

        watermark = result["watermark"]
        with self._platform.transaction() as connection:
            connection.execute(
                RECORD,
                [
                    result["dataset"],
                    dag_id,
                    dag_run,
                    Jsonb(dict(selection)),
                    Jsonb(result["changed"]),
                    None if watermark is None else Jsonb(watermark),
                    result["published"],
                    Jsonb(result["outcomes"]),
                    result.get("raw_records"),
                    logic,
                ],
            )

    def watermark(self, dataset: str, logic: str) -> dict[str, int]:
        """Return, by Kafka partition, the last offset refined by this logic; empty when all of raw must be refined."""
        with self._platform.transaction() as connection:
            row = connection.execute(WATERMARK, [dataset]).fetchone()
        return dict(row[0]) if row and row[1] == logic else {}

    def refined(self, datasets: Iterable[str]) -> dict[str, Refined]:
        """Return, by dataset, its newest refinement of all changes in raw; no entry if there was none."""
        with self._platform.transaction() as connection:
            rows = connection.execute(REFINED, [list(datasets)]).fetchall()
        return {dataset: Refined(records, ago_s) for dataset, records, ago_s in rows}

    def built(self, marts: Iterable[str]) -> dict[str, Built]:
        """Return, by mart, its newest published build; no entry if there was none."""
        with self._platform.transaction() as connection:
            rows = connection.execute(BUILT, [list(marts)]).fetchall()
        return {mart: Built(inputs, ago_s) for mart, inputs, ago_s in rows}

    def last(self, datasets: Iterable[str]) -> dict[str, Last]:
        """Return, by dataset or mart, its newest refinement or build; no entry if there was none."""
        with self._platform.transaction() as connection:
            rows = connection.execute(LAST, [list(datasets)]).fetchall()
        return {dataset: Last(*values) for dataset, *values in rows}
