from __future__ import annotations

import re
from pathlib import Path

from headrace.contracts.loading import load_contracts
from headrace.planning.streams import stream_plans
from tests.support.astro import ROOT

TASK = (ROOT / "docs" / "how-to" / "add-a-dataset.md").read_text()
REFERENCE = (ROOT / "docs" / "reference" / "contracts.md").read_text()


def test_the_example_of_a_dataset_is_a_valid_contract(tmp_path: Path) -> None:
    shape, rest = (re.findall(rf"```{kind}\n(.*?)```", TASK, re.DOTALL)[0] for kind in ("json", "yaml"))
    (tmp_path / "stores").mkdir()
    (tmp_path / "stores" / "visits.avsc").write_text(shape)
    (tmp_path / "stores" / "visits.odcs.yaml").write_text(rest)
    (contract,) = load_contracts(tmp_path)
    assert (contract.id, contract.key, contract.freshness_s) == ("stores.visits", ("visit_id",), 5.0)
    assert list(stream_plans([contract])) == ["stores"]


def test_the_documented_message_of_a_broken_rule_is_the_real_one(tmp_path: Path) -> None:
    quoted = re.search(r"`include/schemas/retail/baskets.avsc:7: (field-id: .*?) …`", REFERENCE.replace("\n", " "))
    assert quoted
    shape = re.findall(r"```json\n(.*?)```", TASK, re.DOTALL)[0]
    broken = shape.replace('"name": "visit_id", "field-id": 1,', '"name": "total",')
    (tmp_path / "retail").mkdir()
    (tmp_path / "retail" / "baskets.avsc").write_text(broken)
    (tmp_path / "retail" / "baskets.odcs.yaml").write_text("{}")
    try:
        load_contracts(tmp_path)
    except Exception as errors:
        assert " ".join(quoted[1].split()) in str(errors)
    else:
        raise AssertionError("a field without an id was accepted")
