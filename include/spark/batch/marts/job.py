"""Spark job that builds one mart from cleaned datasets.

    spark-submit include/spark/batch/marts/job.py marts.store_daily include/sql/marts/store_daily.sql result.json

Writes its result to the result file, also when rules prevent publishing.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from headrace.contracts import names
from headrace.contracts.applied import applied_index
from headrace.contracts.index import load_index
from headrace.services.quality.validation import import_beforehand
from include.spark.batch.audited import audited
from include.spark.batch.marts.engine import build
from include.spark.batch.session import lake_session

PROJECT: Final = Path(__file__).parents[4]


def main(arguments: list[str]) -> int:
    """Build the mart and return 0, published or not."""
    import_beforehand()
    dataset, sql, result = arguments
    contracts = load_index(applied_index(PROJECT))
    contract = contracts[dataset]
    with lake_session() as spark:
        spark.catalog.setCurrentCatalog(names.LAKE_CATALOG)
        statement = Path(sql).read_text()
        audited(spark, contract, contracts, Path(result), lambda audit: build(spark, contract, statement, audit))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
