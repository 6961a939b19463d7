"""Run a batch job's work under the checks of its contract, and write the result for the waiting task."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from headrace.contracts.contract import Contract, Zone
from headrace.planning.checks import checks
from headrace.services.quality.outcomes import Outcome, forbids
from headrace.services.quality.validation import validate
from include.spark.batch.publishing.work import Audit, Unpublished
from include.spark.batch.references import referred


def audited(
    spark: SparkSession,
    contract: Contract,
    contracts: Mapping[str, Contract],
    result: Path,
    work: Callable[[Audit], Mapping[str, Any]],
) -> None:
    """Run the work; write its result, the outcome of every check and the duration of the checks to `result` as JSON."""
    to_check, outcomes, audit_s = checks(contract), list[Outcome](), 0.0
    in_clear = {name: kind for name, kind in contract.classifications.items() if name not in contract.tokenised}

    def audit(zones: Mapping[Zone, DataFrame]) -> Sequence[str]:
        nonlocal audit_s
        began = time.monotonic()
        outcomes.clear()
        if "cleaned" in zones:
            others = referred(spark, contract, contracts, zones["cleaned"])
            outcomes[:] = validate(
                zones["cleaned"], to_check, contract.id, others=others, hidden=in_clear, key=contract.identity
            )
        audit_s += time.monotonic() - began
        return forbids(outcomes)

    done: dict[str, Any]
    try:
        done = {**work(audit), "published": True, "forbids": []}
    except Unpublished as refused:
        done = {"dataset": contract.id, "changed": refused.changed, "watermark": None, "published": False}
        done["forbids"] = list(refused.forbids)
    done["outcomes"] = [outcome._asdict() for outcome in outcomes]
    done["audit_s"] = round(audit_s, 3)
    result.write_text(json.dumps(done))
    print(json.dumps(done))
