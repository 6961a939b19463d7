"""Read contract files (JSON and YAML) as plain Python values with their line numbers.

The line of every value is stored under its steps, e.g. `("fields", 2, "type")` for the third field's type.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from headrace.errors import ContractError, ContractErrors

Step: TypeAlias = str | int
Steps: TypeAlias = tuple[Step, ...]

MOST_BYTES: Final = 1_000_000
"""Maximum size of a contract file, in bytes."""
MOST_LEVELS: Final = 100
"""Maximum nesting depth. Parsers recurse, and libyaml crashes the process when the stack overflows."""
MOST_VALUES: Final = 50_000
"""Maximum number of values in one file. Each YAML alias counts as all the values that it repeats."""


@dataclass(frozen=True, slots=True)
class Document:
    """Content of one file."""

    path: str
    """The file, as shown in messages."""
    data: Any
    lines: Mapping[Steps, int] = field(hash=False)

    def line(self, steps: Steps) -> int:
        """Return the 1-based line of the value, or of the nearest enclosing value."""
        while steps and steps not in self.lines:
            steps = steps[:-1]
        return self.lines.get(steps, 1)

    def error(self, steps: Steps, rule: str, message: str) -> ContractError:
        """Return a broken rule at the value."""
        return ContractError(self.path, self.line(steps), rule, message)


def read_json(path: str, text: str) -> Document:
    """Read JSON text.

    Raises `ContractErrors` for bad syntax, for duplicate keys, and for text that is too large or nested too deep.
    """
    _require_size(path, text)
    _require_depth(path, _json_levels(text))
    try:
        data = json.loads(text, parse_constant=_no_constant)
        json.dumps(data, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        what = f"this is not JSON: {error.msg} at column {error.colno}; correct the syntax"
        raise ContractErrors([ContractError(path, error.lineno, "syntax", what)]) from error
    except ValueError as error:  # too many digits, NaN, or a lone surrogate
        raise ContractErrors([ContractError(path, 1, "syntax", f"a value cannot be read: {error}; fix it")]) from error
    return _document(path, data, _JsonPlaces(text))


def read_yaml(path: str, text: str) -> Document:
    """Read YAML text.

    Raises `ContractErrors` for bad syntax, for duplicate keys, and for text that is too large or nested too deep.
    """
    import yaml

    _require_size(path, text)
    kind = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader = None
    try:
        _require_depth(path, _yaml_levels(yaml.parse(text, Loader=kind)))
        loader = kind(text)
        node = loader.get_single_node()
        _require_values(path, node)
        places = list(_yaml_places(node, ())) if node is not None else []
        data = loader.construct_document(node) if node is not None else None
        json.dumps(data, ensure_ascii=False, default=str).encode()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it cannot be read"
        what = f"this is not YAML: {problem}; correct the syntax"
        line = mark.line + 1 if mark else 1
        raise ContractErrors([ContractError(path, line, "syntax", what)]) from error
    except (ValueError, TypeError, RecursionError) as error:  # an invalid date, too many digits, a chain of aliases
        raise ContractErrors([ContractError(path, 1, "syntax", f"a value cannot be read: {error}; fix it")]) from error
    finally:
        if loader is not None:
            loader.dispose()
    return _document(path, data, places)


def _require_size(path: str, text: str) -> None:
    if (size := len(text.encode())) > MOST_BYTES:
        what = f"the file has {size:,} bytes; a contract file has at most {MOST_BYTES:,}"
        raise ContractErrors([ContractError(path, 1, "too-large", what)])


def _require_depth(path: str, levels: Iterator[tuple[int, int]]) -> None:
    """Raise `ContractErrors` when a value is nested too deep. `levels` yields (depth, line) of each value."""
    for depth, line in levels:
        if depth > MOST_LEVELS:
            what = f"values are nested more than {MOST_LEVELS} levels deep; write it flatter"
            raise ContractErrors([ContractError(path, line, "too-deep", what)])


def _json_levels(text: str) -> Iterator[tuple[int, int]]:
    depth, line = 0, 1
    for match in _JSON_MARKS.finditer(text):
        mark = match[0]
        line += mark.count("\n")
        depth += (mark in "[{") - (mark in "]}")
        yield depth, line


def _yaml_levels(events: Any) -> Iterator[tuple[int, int]]:
    depth = 0
    for event in events:
        name = type(event).__name__
        depth += name in ("SequenceStartEvent", "MappingStartEvent")
        yield depth, event.start_mark.line + 1
        depth -= name in ("SequenceEndEvent", "MappingEndEvent")


def _require_values(path: str, root: Any) -> None:
    """Count the values of the document, each alias in full, without walking a node twice."""
    counted: dict[int, int] = {}

    def count(node: Any, around: tuple[int, ...]) -> int:
        if id(node) not in counted and id(node) not in around:  # `_yaml_places` refuses a node within itself
            inside = (*around, id(node))
            parts = node.value if node.id == "sequence" else ()
            parts = [part for pair in node.value for part in pair] if node.id == "mapping" else parts
            counted[id(node)] = 1 + sum(count(part, inside) for part in parts)
        return counted.get(id(node), 1)

    found = 0 if root is None else count(root, ())
    if found > MOST_VALUES:
        what = f"the file has {found:,} values with its aliases expanded; at most {MOST_VALUES:,} are allowed"
        raise ContractErrors([ContractError(path, 1, "too-large", what)])


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _document(path: str, data: Any, places: Any) -> Document:
    lines: dict[Steps, int] = {}
    twice = []
    for steps, line in places:
        if steps in lines:
            what = f'"{steps[-1]}" is given twice (first on line {lines[steps]}); keep one of them'
            twice.append(ContractError(path, line, "duplicate-key", what))
        else:
            lines[steps] = line
    if twice:
        raise ContractErrors(twice)
    return Document(path, data, lines)


def _yaml_places(node: Any, steps: Steps, around: tuple[Any, ...] = ()) -> Iterator[tuple[Steps, int]]:
    import yaml

    if node in around:
        problem = "an alias refers to a node that contains it"
        raise yaml.composer.ComposerError(None, None, problem, node.start_mark)
    yield steps, node.start_mark.line + 1
    around = (*around, node)
    if node.id == "mapping":
        for key, value in node.value:
            yield from _yaml_places(value, (*steps, str(key.value)), around)
    elif node.id == "sequence":
        for index, value in enumerate(node.value):
            yield from _yaml_places(value, (*steps, index), around)


_JSON_MARKS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]|\n', re.DOTALL)
"""Pattern of strings (to skip their content), brackets, and line ends."""
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_DECODER: Final = json.JSONDecoder()


class _JsonPlaces:
    """Iterator over valid JSON text that yields each value's steps and line."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._ends = [match.start() for match in re.finditer("\n", text)]
        self._at = 0

    def __iter__(self) -> Iterator[tuple[Steps, int]]:
        self._at = 0
        return self._value(())

    def _peek(self) -> str:
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._text[self._at]

    def _scalar(self) -> Any:
        self._peek()
        value, self._at = _DECODER.raw_decode(self._text, self._at)
        return value

    def _value(self, steps: Steps) -> Iterator[tuple[Steps, int]]:
        opening = self._peek()
        yield steps, bisect_right(self._ends, self._at) + 1
        if opening not in "{[":
            self._scalar()
            return
        self._at += 1
        index = 0
        while self._peek() not in "}]":
            step: Step = index
            if opening == "{":
                step = self._scalar()
                self._peek()
                self._at += 1
            yield from self._value((*steps, step))
            if self._peek() == ",":
                self._at += 1
            index += 1
        self._at += 1
