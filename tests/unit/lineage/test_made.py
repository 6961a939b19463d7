"""What a job over the lake has made, as OpenLineage is told it by the task."""

from __future__ import annotations

from pathlib import Path

from headrace.contracts.index import load_index
from headrace.planning.marts import marts, origins
from headrace.systems.lineage.made import Made, inputs, outputs, refined

ROOT = Path(__file__).parents[3]
CONTRACTS = load_index(ROOT / "include" / "schemas")
WAREHOUSE = "s3://warehouse/"


def test_refinement_copies_columns_and_masks_what_is_tokenised() -> None:
    contract = CONTRACTS["retail.transactions"]
    told = outputs(refined(contract), WAREHOUSE, {"cleaned": {"insert": 3, "delete": 1}})
    by_name = {output.name: output for output in told}
    assert set(by_name) == {f"{zone}/retail_transactions" for zone in ("cleaned", "history", "quarantine")}
    cleaned, quarantine = by_name["cleaned/retail_transactions"], by_name["quarantine/retail_transactions"]
    assert cleaned.namespace == "s3://warehouse"
    assert cleaned.facets["symlinks"].identifiers[0].name == "cleaned.retail_transactions"
    assert cleaned.outputFacets["outputStatistics"].rowCount == 4
    assert quarantine.outputFacets["outputStatistics"].rowCount == 0
    assert "columnLineage" not in quarantine.facets
    columns = cleaned.facets["columnLineage"].fields
    assert set(columns) == {field.name for field in contract.record.fields}
    (plain,), (hidden,) = columns["store_id"].inputFields, columns["household_id"].inputFields
    assert (plain.name, plain.field) == ("raw/retail_transactions", "store_id")
    assert [(t.subtype, t.masking) for t in (*plain.transformations, *hidden.transformations)] == [
        ("IDENTITY", False),
        ("TRANSFORMATION", True),
    ]


def test_a_mart_says_what_it_is_made_of() -> None:
    made = Made("cleaned.marts_x", {"sales": (("cleaned.retail_transactions", "sales_value"),), "lines": ()})
    (output,) = outputs([made], WAREHOUSE, {})
    fields = output.facets["columnLineage"].fields
    assert set(fields) == {"sales"}
    assert fields["sales"].inputFields[0].transformations[0].subtype == "TRANSFORMATION"
    (given,) = inputs(["cleaned.retail_transactions"], WAREHOUSE)
    assert (given.namespace, given.name) == ("s3://warehouse", "cleaned/retail_transactions")


def test_the_columns_of_every_mart_of_the_project_are_known() -> None:
    for mart in marts(CONTRACTS.values()):
        sql = (ROOT / "include" / "sql" / "marts" / f"{mart.name}.sql").read_text()
        found = origins(sql, mart, CONTRACTS.values())
        assert set(found) == {field.name for field in mart.record.fields}
        for table, field in (origin for each in found.values() for origin in each):
            (contract,) = (c for c in CONTRACTS.values() if table == f"cleaned.{c.domain}_{c.name}")
            assert contract.record.get(field) is not None, (mart.id, table, field)
