"""Refine every dataset of a folder of contracts in one Spark session: `python -m tests.fidelity.refining <folder>`.

A process of its own, with the environment of `LakeJobOperator`. It makes the session, waits for a line, refines, and prints
one line of JSON a dataset.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from headrace.contracts.loading import load_contracts
from headrace.systems.spark.batch import SHORT
from include.spark.batch.publishing.work import Unpublished
from include.spark.batch.refine.engine import refine
from include.spark.batch.refine.selection import Selection
from include.spark.batch.standby import make_session


def main(folder: Path) -> None:
    """Refine from all of raw; no checks but the contract's own rules of the row."""
    spark = make_session()
    sys.stdin.readline()
    for name, value in SHORT.items():
        spark.conf.set(name, value)
    for contract in load_contracts(folder):
        if "cleaned" not in contract.zones:
            continue
        done: dict[str, object] = {"dataset": contract.id}
        try:
            done |= refine(spark, contract, Selection(), lambda _: ())
        except Unpublished as refused:
            done["refused"] = list(refused.forbids)
        except Exception as failed:  # one dataset's failure is that dataset's finding
            done["failed"] = f"{type(failed).__name__}: {failed}"[:1000]
        print(json.dumps(done), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
