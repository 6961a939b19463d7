"""Whatever a person can set, run, call or write in a contract is documented."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest

from headrace.contracts import names, properties
from headrace.contracts.avro_faults import ATTRIBUTES
from headrace.contracts.contract import RuleKind, Severity
from headrace.contracts.sla import METRICS, OPERATORS
from headrace.contracts.types import TYPE_NAMES
from headrace.planning.rules import RULES
from include.docs.commands import every_command, parameters
from include.docs.operators import every_operator
from include.stack.settings import SETTINGS, Setting
from tests.support.astro import OURS, ROOT, local_settings

DOCS = ROOT / "docs"
PLACEHOLDERS = {
    "refine_dag": SimpleNamespace(domain="<domain>", name="<dataset>"),
    "mart_dag": SimpleNamespace(name="<name>"),
    "stream_dag": "<group>",
}
"""Function in `names` → argument for which it returns the id that the page of DAGs writes."""
VARIABLE = re.compile(r"HEADRACE_[A-Z0-9]+(?:_[A-Z0-9]+)*")


def page(name: str) -> str:
    return (DOCS / name).read_text()


def rows(text: str) -> list[str]:
    """The table rows of a page."""
    return [line for line in text.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_setting_is_documented(setting: Setting) -> None:
    local = page("reference/settings.md").split("## The local stack", 1)[1].split("\n## ", 1)[0]
    (row,) = [row for row in rows(local) if row.startswith(f"| `{setting.name}` |")]
    assert setting.doc in row
    assert len(setting.doc) > 10


def test_every_variable_that_the_code_reads_is_documented() -> None:
    """Also those that are no setting of the stack: of a driver, of an app, between processes."""
    content = set(VARIABLE.findall(page("reference/settings.md")))
    read: dict[str, str] = {}
    for file in _code():
        for name in VARIABLE.findall(file.read_text()):
            if not name.endswith(("_PORT", "_MEMORY", "_PASSWORD")):
                read.setdefault(name, str(file.relative_to(ROOT)))
    assert len(read) > 60
    assert {name: file for name, file in read.items() if name not in content} == {}


def test_every_dag_is_documented() -> None:
    table = page("reference/dags.md").split("## The DAGs", 1)[1].split("\nFor DAGs of your own", 1)[0]
    found = set(_dag_ids())
    assert {"apply_contracts", "stream_<group>"} <= found
    assert set(re.findall(r"^\| `([\w<>]+)` \|", table, re.MULTILINE)) == found


def test_every_command_and_option_is_documented() -> None:
    table = rows(page("reference/commands.md"))
    names = [name for name, _ in every_command()]
    assert {"up", "status", "down", "clean", "logs", "test", "lint", "bench", "shop live"} <= set(names)
    for name, command in every_command():
        start = next(i for i, row in enumerate(table) if row.startswith(f"| `./headrace {name}` |"))
        mine = table[start + 1 : start + 1 + len(parameters(command))]
        assert command.help, name
        for parameter, row in zip(parameters(command), mine, strict=True):
            assert f"`{', '.join(parameter.opts)}`" in row, f"{name} {parameter.opts}"
            assert parameter.help, f"{name} {parameter.opts}"


def test_every_operator_is_documented() -> None:
    table = rows(page("reference/dags.md"))
    found = list(every_operator())
    assert len(found) >= 7
    for module, name, what in found:
        assert any(row.startswith(f"| `{name}` | `{module}` |") for row in table), name
        assert what.endswith("."), f"{name} needs a docstring"


def test_every_http_endpoint_is_documented() -> None:
    content = page("reference/lineage-api.md")
    found = list(_endpoints())
    assert ("POST", "/api/v1/lineage") in found
    for method, path in found:
        assert f"| `{method} {path}` |" in content, f"{method} {path}"


def test_every_key_of_a_contract_is_documented() -> None:
    content = page("reference/contracts.md")
    words = set(re.findall(r"[A-Za-z-]+", " ".join(re.findall(r"`([^`\n]+)`", content))))
    for name in properties.PROPERTIES:
        assert any(row.startswith(f"| `{name}` |") for row in rows(content)), name
    attributes = {name for names in ATTRIBUTES.values() for name in names}
    keys = attributes | set(_keys_read())
    assert {"team", "primaryKeyPosition", "slaProperties", "field-id", "url"} <= keys
    assert sorted(keys - words) == []


def test_every_type_and_every_rule_is_documented() -> None:
    content = rows(page("reference/contracts.md"))
    for name in TYPE_NAMES:
        assert len([row for row in content if row.startswith(f"| `{name}` |")]) >= 2, name
    for rule in RULES:
        assert any(row.startswith(f"| `{rule.id}` |") for row in content), rule.id


def test_every_process_and_every_container_is_documented() -> None:
    from include.stack.services.catalogue import definitions

    table = page("reference/processes.md").split("## What runs", 1)[1].split("##", 1)[0]
    for process in definitions(local_settings()):
        name = re.sub("^stream-.*", "stream-<group>", process.name)
        assert f"| `{name}` |" in table, name
    for service in OURS:
        assert f"`{service}`" in page("how-to/astro.md"), service


def test_every_decision_is_short_and_has_context_decision_consequences() -> None:
    records = sorted((DOCS / "adr").glob("[0-9]*.md"))
    numbers = [int(record.name[:4]) for record in records]
    assert len(set(numbers)) == len(records)
    for number, record in zip(numbers, records, strict=True):
        text = record.read_text()
        assert text.startswith(f"# {number}. ")
        assert re.findall(r"^## (.*)", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
        assert len(text.splitlines()) <= 40, record.name


def test_no_figure_is_claimed_that_no_result_has() -> None:
    """Measured rates and freshness stand in benchmarks/ only, written from results."""
    for file in [*DOCS.rglob("*.md"), ROOT / "CHANGELOG.md"]:
        assert not re.search(r"\d\s*k? rows/s|p9[59] (is|of|at|≤|=)? ?\d", file.read_text()), file.name


def _code() -> Iterator[Path]:
    for folder in ("plugins/headrace", "include", "dags", "benchmarks"):
        yield from (file for file in (ROOT / folder).rglob("*.py") if "docs" not in file.relative_to(ROOT).parts)
    yield ROOT / "headrace"
    yield ROOT / "docker-compose.override.yml"
    yield ROOT / "Dockerfile"


def _dag_ids() -> Iterator[str]:
    """The id of every `DAG(dag_id=…)` and `@dag` function; placeholders are shown as `<name>`."""
    for file in sorted((ROOT / "dags").glob("*.py")):
        found = list(_dag_ids_of(ast.parse(file.read_text())))
        assert found, f"{file.name}: no DAG found"
        yield from found


def _dag_ids_of(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "DAG":
            given = next((k.value for k in node.keywords if k.arg == "dag_id"), node.args[0] if node.args else None)
            if isinstance(given, ast.Call):  # names.refine_dag(contract)
                name = ast.unparse(given.func).removeprefix("names.")
                yield getattr(names, name)(PLACEHOLDERS[name])
            else:
                yield ast.literal_eval(given)
        elif isinstance(node, ast.FunctionDef):
            decorators = {ast.unparse(d.func if isinstance(d, ast.Call) else d) for d in node.decorator_list}
            if "dag" in decorators:
                yield node.name


def _endpoints() -> Iterator[tuple[str, str]]:
    """(method, path) of every `Route("…", …, methods=[…])` and `@….get("…")` of the apps."""
    for file in (ROOT / "include" / "apps").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            path = node.args[0].value
            if not isinstance(path, str) or not path.startswith("/"):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name == "Route":
                methods = next((ast.literal_eval(k.value) for k in node.keywords if k.arg == "methods"), ["GET"])
                yield from ((method, path) for method in methods)
            elif name in ("get", "post", "put", "patch", "delete") and isinstance(node.func, ast.Attribute):
                yield name.upper(), path


def _keys_read() -> Iterator[str]:
    """The keys of an ODCS document that its readers ask for: `x.get("key")`, `x["key"]`, and the identity's."""
    for module in ("odcs.py", "sla.py", "references.py"):
        for node in ast.walk(ast.parse((ROOT / "plugins" / "headrace" / "contracts" / module).read_text())):
            key = None
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get" and node.args:
                key = node.args[0]
            elif isinstance(node, ast.Subscript):
                key = node.slice
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value
    yield from ("kind", "id", "name", "domain")


def test_every_rule_of_quality_is_documented() -> None:
    content = page("reference/quality.md")
    for word in (*METRICS, *OPERATORS, *get_args(Severity), *get_args(RuleKind)):
        assert f"`{word}`" in content, word
