"""Refine every dataset of a folder of contracts, then build its marts: `python -m tests.fidelity.refining <folder>`.

A process of its own, with the environment of `LakeJobOperator`. It makes one Spark session, waits for a line, works, and
prints one line of JSON a dataset. The SQL of a mart lies beside its contract.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.contracts.loading import load_contracts
from headrace.systems.spark.batch import SHORT
from include.spark.batch.marts.engine import build
from include.spark.batch.publishing.work import Unpublished
from include.spark.batch.refine.engine import refine
from include.spark.batch.refine.selection import Selection
from include.spark.batch.standby import make_session


def main(folder: Path) -> None:
    """From all of raw; no checks but the contract's own rules of the row."""
    spark = make_session()
    sys.stdin.readline()
    for name, value in SHORT.items():
        spark.conf.set(name, value)
    spark.catalog.setCurrentCatalog(names.LAKE_CATALOG)
    marts_last = sorted(load_contracts(folder), key=lambda contract: contract.source.kind == "mart")
    for contract in marts_last:
        if "cleaned" not in contract.zones:
            continue
        done: dict[str, object] = {"dataset": contract.id}
        try:
            done |= _made(spark, contract, folder)
        except Unpublished as refused:
            done["refused"] = list(refused.forbids)
        except Exception as failed:  # one dataset's failure is that dataset's finding
            done["failed"] = f"{type(failed).__name__}: {failed}"[:1000]
        print(json.dumps(done), flush=True)


def _made(spark: SparkSession, contract: Contract, folder: Path) -> dict[str, Any]:
    if contract.source.kind == "mart":
        sql = (folder / contract.domain / f"{contract.name}.sql").read_text()
        return build(spark, contract, sql, lambda _: ())
    return refine(spark, contract, Selection(), lambda _: ())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
