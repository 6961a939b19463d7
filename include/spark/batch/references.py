"""Cleaned rows of the datasets that a contract references."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, SparkSession

from headrace.contracts import names
from headrace.contracts.contract import Contract
from include.spark.batch.publishing.target import Target


def referred(
    spark: SparkSession, contract: Contract, contracts: Mapping[str, Contract], cleaned: DataFrame
) -> dict[str, DataFrame]:
    """Return dataset → its cleaned rows, with `cleaned` for the dataset itself.

    Datasets without a cleaned zone or without refined rows are omitted, because they cannot be checked.
    """
    found = {contract.id: cleaned}
    for dataset in {reference.dataset for reference in contract.references} - {contract.id}:
        table = names.lake_table(contracts[dataset], "cleaned")
        if "cleaned" in contracts[dataset].zones and spark.catalog.tableExists(f"lake.{table}"):
            target = Target.now(spark, table)
            if target.snapshot is not None:
                found[dataset] = target.rows()
    return found
