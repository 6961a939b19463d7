"""Refine one dataset: from raw to cleaned, history and quarantine, for the keys that a selection names.

    spark-submit include/spark/batch/refine/job.py retail.transactions '{"intervals": [["…", "…"]]}' result.json

Writes what it did to the result file, also when rules forbid to publish it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pyspark.sql import DataFrame

from headrace.contracts.contract import Zone
from headrace.contracts.index import contracts_folder, load_index
from headrace.planning.checks import checks
from headrace.systems.quality.validation import Outcome, forbids, import_beforehand, validate
from include.spark.batch.refine.engine import Unpublished, refine
from include.spark.batch.refine.selection import Selection
from include.spark.batch.refine.tokens import secrets_for
from include.spark.batch.session import lake_session

PROJECT: Final = Path(__file__).parents[4]


def main(arguments: list[str]) -> int:
    """0 when the work is done, published or not."""
    dataset, selection, result = arguments[0], Selection.from_json(arguments[1]), Path(arguments[2])
    if selection.past is None:  # what came since may well be nothing, and then nothing is asked
        import_beforehand()
    contract = load_index(contracts_folder(PROJECT))[dataset]
    secrets_for(contract.tokenised)
    asked, outcomes = checks(contract), list[Outcome]()

    def audit(zones: Mapping[Zone, DataFrame]) -> Sequence[str]:
        outcomes[:] = validate(zones["cleaned"], asked, dataset) if "cleaned" in zones else ()
        return forbids(outcomes)

    spark = lake_session()
    done: dict[str, Any]
    try:
        done = {**refine(spark, contract, selection, audit), "published": True, "forbids": []}
    except Unpublished as refused:
        done = {"dataset": dataset, "changed": refused.changed, "watermark": None, "published": False}
        done["forbids"] = list(refused.forbids)
    done["outcomes"] = [outcome._asdict() for outcome in outcomes]
    result.write_text(json.dumps(done))
    print(json.dumps(done))
    spark.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
