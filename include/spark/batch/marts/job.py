"""Build one mart out of cleaned datasets.

    spark-submit include/spark/batch/marts/job.py marts.store_daily result.json

Writes what it did to the result file, also when rules forbid to publish it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from headrace.contracts import names
from headrace.contracts.index import contracts_folder, load_index
from headrace.systems.quality.validation import import_beforehand
from include.spark.batch.audited import audited
from include.spark.batch.marts.engine import build
from include.spark.batch.session import lake_session

PROJECT: Final = Path(__file__).parents[4]


def main(arguments: list[str]) -> int:
    """0 when the work is done, published or not."""
    import_beforehand()
    dataset, result = arguments
    contracts = load_index(contracts_folder(PROJECT))
    contract = contracts[dataset]
    sql = (PROJECT / "include" / "sql" / "marts" / f"{contract.name}.sql").read_text()
    spark = lake_session()
    spark.catalog.setCurrentCatalog(names.LAKE_CATALOG)
    audited(spark, contract, contracts, Path(result), lambda audit: build(spark, contract, sql, audit))
    spark.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
