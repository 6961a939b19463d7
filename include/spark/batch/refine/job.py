"""Spark job that refines one dataset from raw to cleaned, history and quarantine, for a selection of keys.

    spark-submit include/spark/batch/refine/job.py retail.transactions '{"intervals": [["…", "…"]]}' result.json

Writes its result to the result file, also when rules prevent publishing.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from headrace.contracts.applied import applied_index
from headrace.contracts.index import load_index
from headrace.services.quality.validation import import_beforehand
from include.spark.batch.audited import audited
from include.spark.batch.refine.engine import refine
from include.spark.batch.refine.selection import Selection
from include.spark.batch.refine.tokens import secrets_for
from include.spark.batch.session import lake_session

PROJECT: Final = Path(__file__).parents[4]


def main(arguments: list[str]) -> int:
    """Refine the dataset and return 0, published or not."""
    dataset, selection, result = arguments[0], Selection.from_json(arguments[1]), Path(arguments[2])
    if selection.past is None:  # with `past` there may be no changes, and then no checks run
        import_beforehand()
    contracts = load_index(applied_index(PROJECT))
    contract = contracts[dataset]
    secrets_for(contract.tokenised)
    with lake_session() as spark:
        audited(spark, contract, contracts, result, lambda audit: refine(spark, contract, selection, audit))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
