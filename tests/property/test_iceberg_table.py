"""Rows of every type go into a real Iceberg table, made from the contract, and come back unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from headrace.contracts.avro import parse_avsc
from headrace.contracts.targets import iceberg
from tests.support import values
from tests.support.arrow import arrow_storage
from tests.support.records import rows

SHAPE = Path(__file__).parents[1] / "unit" / "contracts" / "every_type.avsc"
RECORD = parse_avsc(SHAPE.name, SHAPE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("all_optional", [False, True])
@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(drawn=st.lists(rows(RECORD), min_size=5, max_size=10))
def test_a_table_of_every_type(tmp_path_factory: pytest.TempPathFactory, all_optional: bool, drawn: list) -> None:
    import pyarrow as pa
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.io.pyarrow import schema_to_pyarrow
    from pyiceberg.schema import Schema

    folder = tmp_path_factory.mktemp("lake")
    catalog = SqlCatalog("lake", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}")
    catalog.create_namespace("raw")
    schema = Schema.model_validate(iceberg.schema(RECORD, all_optional=all_optional))
    table = catalog.create_table("raw.shop_every_type", schema, properties={"format-version": "2"})
    observed = {
        field.name: iceberg.describe(field.model_dump(mode="json", by_alias=True)["type"])
        for field in table.schema().fields
    }
    wanted = {field.name: iceberg.describe(iceberg.render(field.type, all_optional=all_optional)) for field in RECORD}
    assert observed == wanted
    stored = pa.schema([arrow_storage(field) for field in schema_to_pyarrow(table.schema(), include_field_ids=False)])
    sent = [values.convert(RECORD, row, values.TO_ARROW) for row in drawn]
    table.append(pa.Table.from_pylist(sent, schema=stored))
    read = table.scan().to_arrow().cast(stored).to_pylist()
    assert values.same([values.convert(RECORD, row, values.FROM_ARROW) for row in read], drawn)
