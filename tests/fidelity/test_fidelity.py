"""A value is carried exactly, or a dead letter names it: every type and odd value, through every stage of the stack.

How it works, and how to run it long: docs/explanation/fidelity.md.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Stack
from tests.fidelity.report import report
from tests.fidelity.shapes import SHAPED
from tests.fidelity.tables import every_type
from tests.fidelity.trial import run_trial
from tests.support.schema_ids import schema_ids

ROWS_EACH = 15
SEED = 1


@pytest.mark.beside
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_type_is_carried_exactly_or_reported(stack: Stack, tmp_path: Path) -> None:
    with schema_ids(stack):
        outcome = run_trial(stack.settings, tmp_path, (*every_type(), *SHAPED), ROWS_EACH, SEED, print)
    assert not outcome.refused
    assert outcome.comparison.values > 5_000
    assert not outcome.comparison.silent, report(outcome.comparison, outcome.tables)
