"""Lines of JSON and YAML values."""

from __future__ import annotations

import json
from typing import Any

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


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{here}: &{here} [{', '.join([f'*{before}'] * 9)}]\n" for before, here in zip("abcdefgh", "bcdefghi", strict=True)
)
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 5000))


@pytest.mark.parametrize(
    ("read", "text", "rule"),
    [
        (read_json, "[" * 100_000, "too-deep"),
        (read_json, "[" * 100_000 + "]" * 100_000, "too-deep"),
        (read_json, "\n" * 3 + '{"a":' * 200, "too-deep"),
        (read_json, " " * 1_000_001, "too-large"),
        (read_json, "1" * 5_000, "syntax"),
        (read_json, '"\\ud800"', "syntax"),
        (read_json, "NaN", "syntax"),
        (read_yaml, "[" * 100_000, "too-deep"),
        (read_yaml, "a: " * 1_000_001, "too-large"),
        (read_yaml, BOMB, "too-large"),
        (read_yaml, CHAIN, "too-large"),
        (read_yaml, "a: &a [*a]", "syntax"),
        (read_yaml, "a: 2024-99-99", "syntax"),
        (read_yaml, "a: " + "1" * 5_000, "syntax"),
        (read_yaml, "[a]: b", "syntax"),
    ],
    ids=lambda value: None if callable(value) else value[:12],
)
def test_whatever_a_file_holds_is_one_error_of_that_file(read: Any, text: str, rule: str) -> None:
    with pytest.raises(ContractErrors) as refused:
        read("retail/x", text)
    (error,) = refused.value.errors
    assert (error.path, error.rule) == ("retail/x", rule)


def test_brackets_in_a_text_are_no_depth_and_aliases_are_read() -> None:
    assert read_json("x.json", json.dumps({"a": '["{' * 500})).data == {"a": '["{' * 500}
    assert read_yaml("x.yaml", "a: &a [1, 2]\nb: *a").data == {"a": [1, 2], "b": [1, 2]}
