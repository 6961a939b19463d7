"""Tables that are drawn: of many kinds, the same for the same number, with contracts that are valid."""

from __future__ import annotations

from pathlib import Path

from headrace.contracts.loading import load_contracts
from tests.fidelity.tables import drawn_tables, every_type


def test_drawn_tables_differ_from_each_other_and_not_from_run_to_run() -> None:
    shapes = [next(iter(table.ddl())).partition("(")[2] for table in drawn_tables(8, 1)]
    assert len(set(shapes)) == len(shapes)
    assert shapes == [next(iter(table.ddl())).partition("(")[2] for table in drawn_tables(8, 1)]


def test_every_table_has_a_valid_contract(tmp_path: Path) -> None:
    made = (*every_type(), *drawn_tables(8, 2))
    (tmp_path / "odd").mkdir()
    for table in made:
        for name, text in table.files("odd").items():
            (tmp_path / "odd" / name).write_text(text)
    found = {contract.name: contract for contract in load_contracts(tmp_path)}
    for table in made:
        assert [field.name for field in found[table.name].record.fields] == [column.name for column in table.columns]
        assert set(found[table.name].key) == {column.name for column in table.key}
