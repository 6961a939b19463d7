"""Lines of JSON and YAML values."""

from __future__ import annotations

import json

import pytest

from headrace.contracts.documents import read_json, read_yaml
from headrace.errors import ContractErrors

JSON = """
{ "a": 1,
  "b": [ {"c": "}\\"]",
          "d": [],
          "ü": {}
         },
         null, -1.5e3
       ]
}"""

YAML = """
a: 1
b:
  - c: "}"
    d: []
    ü: {}
  - null
  - -1.5e+3
"""

LINES = {(): 2, ("a",): 2, ("b",): 3, ("b", 0): 3, ("b", 0, "c"): 3, ("b", 0, "d"): 4, ("b", 0, "ü"): 5}


def test_json_lines() -> None:
    document = read_json("x.json", JSON)
    assert document.data == json.loads(JSON)
    assert document.lines == {**LINES, ("b", 1): 7, ("b", 2): 7}


def test_yaml_lines() -> None:
    document = read_yaml("x.yaml", YAML)
    assert document.data["b"][2] == -1500.0
    expected = {**LINES, ("b",): 4, ("b", 0): 4, ("b", 0, "c"): 4, ("b", 0, "d"): 5, ("b", 0, "ü"): 6}
    assert document.lines == {**expected, ("b", 1): 7, ("b", 2): 8}


def test_the_line_of_something_missing_is_that_of_what_is_around_it() -> None:
    document = read_json("x.json", JSON)
    assert document.line(("b", 0, "missing", 4)) == 3
    assert document.line(("missing",)) == 2
    assert str(document.error(("b", 1), "rule", "what; next")) == "x.json:7: rule: what; next"


def test_an_empty_yaml_file() -> None:
    assert read_yaml("x.yaml", "").data is None
    assert read_yaml("x.yaml", "").line(("a",)) == 1


@pytest.mark.parametrize("text", ["a: {b: 1, b: 2}", "a: 1\nb: 1\na: 2"])
def test_a_key_given_twice(text: str) -> None:
    with pytest.raises(ContractErrors, match="duplicate-key"):
        read_yaml("x.yaml", text)


NOT_PLAIN = ["a: [", "a: !!python/object:os.system {}", "\tb: 1", "a: &x [*y]", "a: &x [*x]", "? [a]\n: 1"]


@pytest.mark.parametrize("text", NOT_PLAIN)
def test_what_is_not_plain_yaml(text: str) -> None:
    with pytest.raises(ContractErrors, match=r"x.yaml:[12]: syntax: this is not YAML"):
        read_yaml("x.yaml", text)
