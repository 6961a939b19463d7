"""Datasets that a mart reads."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from headrace.contracts.contract import Contract
from headrace.planning.marts import reads

log = logging.getLogger(__name__)


def mart_inputs(mart: Contract, sql: Path, contracts: Iterable[Contract]) -> tuple[Contract, ...]:
    """Return the datasets whose cleaned tables a mart reads.

    Empty if its SQL is not readable, which the mart's own task reports.

    Args:
        sql: folder of the marts' SQL.
    """
    path = sql / f"{mart.name}.sql"
    try:
        return reads(path.read_text(), contracts)
    except (OSError, ValueError) as unread:
        log.warning("%s: %s", path, unread)
        return ()
