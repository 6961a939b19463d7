"""Kinds of source, their zones and the stores that serve them: what goes together."""

from __future__ import annotations

import json
from pathlib import Path

from headrace.contracts import loading
from headrace.contracts.codec import decode_contract, encode_contract
from tests.support.contract_faults import faults_of
from tests.support.generated_contracts import write_contract


def test_what_is_loaded_needs_cleaned_and_a_mart_nothing_else(tmp_path: Path) -> None:
    root = tmp_path / "include" / "schemas"
    write_contract(root, "shop", "orders")
    orders = root / "shop" / "orders.odcs.yaml"
    orders.write_text(
        orders.read_text().replace("[raw, cleaned, history]", "[raw]").replace("value: clickhouse", "value: postgres")
    )
    assert any("zones has no cleaned, from which postgres is loaded; add cleaned" in one for one in faults_of(root))
    folder = root / "marts"
    folder.mkdir()
    write_contract(root, "marts", "orders")
    terms = folder / "orders.odcs.yaml"
    text = terms.read_text().replace("{kind: cdc, connection: oltp, table: marts.orders}", "{kind: mart}")
    terms.write_text(
        text.replace("value: clickhouse}", "value: clickhouse}\n  - {property: tokenised, value: [customer_id]}")
    )
    faults = "\n".join(faults_of(root))
    assert "zones has more than cleaned, but a mart has only cleaned" in faults
    assert "tokenised is given, but a mart is built from tokens already" in faults
    terms.write_text(text.replace("[raw, cleaned, history]", "[cleaned]"))
    (root / "shop" / "orders.odcs.yaml").unlink()
    (root / "shop" / "orders.avsc").unlink()
    (mart,) = loading.load_contracts(root)
    assert (mart.source.kind, mart.zones, mart.streamed, mart.loaded) == ("mart", ("cleaned",), False, True)
    assert decode_contract(json.loads(json.dumps(encode_contract(mart)))) == mart
