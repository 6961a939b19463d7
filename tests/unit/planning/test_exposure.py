"""Nothing that is made from a classified field is told, whatever a query calls it."""

from __future__ import annotations

import pytest

from headrace.planning.exposure import hidden

FIELDS = {"household_id": "personal", "age": "personal", "product_id": None, "quantity": None}


@pytest.mark.parametrize(
    ("sql", "columns", "wanted"),
    [
        ("SELECT product_id, household_id FROM t", ["product_id", "household_id"], {"household_id": "personal"}),
        ("SELECT household_id AS h, quantity AS n FROM t", ["h", "n"], {"h": "personal"}),
        ("SELECT concat('x', toString(household_id)) AS h FROM t", ["h"], {"h": "personal"}),
        ("SELECT h FROM (SELECT household_id AS h FROM t)", ["h"], {"h": "personal"}),
        (
            "WITH a AS (SELECT age AS x FROM t), b AS (SELECT x + 1 AS y FROM a) SELECT y FROM b",
            ["y"],
            {"y": "personal"},
        ),
        ("SELECT * FROM t JOIN u USING product_id", ["product_id", "u.age", "quantity"], {"u.age": "personal"}),
        ("SELECT toString(household_id) FROM t", ["toString(household_id)"], {"toString(household_id)": "not shown"}),
        ("SELECT count(*), product_id FROM t", ["count()", "product_id"], {"count()": "not shown"}),
        ("WITH t (a) AS (SELECT age FROM u) SELECT a FROM t", ["a"], {"a": "not shown"}),
        ("SELECT FROM WHERE (", ["a"], {"a": "not shown"}),
        ("SELECT sum(quantity) AS n FROM t GROUP BY product_id", ["n"], {}),
    ],
)
def test_values_of_classified_fields_are_hidden(sql: str, columns: list[str], wanted: dict[str, str]) -> None:
    assert hidden(sql, columns, FIELDS, "clickhouse") == wanted
