"""The compiled index: the same contracts as the files, read again only when a file changed, cheap."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headrace.contracts import index, loading
from headrace.contracts.avro import parse_avsc
from headrace.contracts.codec import decode_type, encode_type
from headrace.errors import ContractErrors
from tests.support.generated_contracts import write_contract, write_contracts

HERE = Path(__file__).parent
PROJECT = HERE.parents[2]
BUDGET_CPU_S = 1.5
HEAVY = {"yaml", "pydantic", "open_data_contract_standard", "polars", "pyarrow", "pyiceberg", "pandas", "airflow"}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(index.ENVIRONMENT, raising=False)
    root = tmp_path / "include" / "schemas"
    write_contracts(root, 3)
    _age(root)
    return root


def _age(root: Path) -> None:
    """Make every file older than the file system's clock tick."""
    for path in root.rglob("*"):
        os.utime(path, ns=(10**18, 10**18))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The datasets read from their files, as they are read."""
    names: list[str] = []
    read_pair = loading.read_pair

    def recorded(root: Path, pair: loading.Pair, errors: list[Any]) -> Any:
        names.append(pair.dataset)
        return read_pair(root, pair, errors)

    monkeypatch.setattr(loading, "read_pair", recorded)
    return names


def test_the_index_holds_the_content_of_the_files(root: Path, reads: list[str]) -> None:
    loaded = {contract.id: contract for contract in loading.load_contracts(root)}
    reads.clear()
    assert dict(index.load_index(root)) == loaded
    assert len(reads) == 3
    assert dict(index.load_index(root)) == loaded
    assert len(reads) == 3, "the second time, the index is enough"


def test_every_type_survives_the_index() -> None:
    record = parse_avsc("every_type.avsc", (HERE / "every_type.avsc").read_text(encoding="utf-8"))
    assert decode_type(json.loads(json.dumps(encode_type(record)))) == record


def test_it_is_a_mapping_in_order_of_id(root: Path) -> None:
    contracts = index.load_index(root)
    assert list(contracts) == [f"domain_000.orders_0000{number}" for number in range(3)]
    assert len(contracts) == 3
    assert contracts["domain_000.orders_00001"] is contracts["domain_000.orders_00001"]
    assert "domain_000.orders_00009" not in contracts


def test_only_what_changed_is_read_again(root: Path, reads: list[str]) -> None:
    index.load_index(root)
    reads.clear()
    terms = root / "domain_000" / "orders_00001.odcs.yaml"
    terms.write_text(terms.read_text(encoding="utf-8").replace("version: 1.0.0", "version: 1.1.0"), encoding="utf-8")
    assert index.load_index(root)["domain_000.orders_00001"].version == "1.1.0"
    assert reads == ["orders_00001"]


def test_a_change_of_the_same_size_right_after_is_seen(root: Path) -> None:
    terms = root / "domain_000" / "orders_00001.odcs.yaml"
    text = terms.read_text(encoding="utf-8")
    terms.write_text(text, encoding="utf-8")
    before = terms.stat()
    index.load_index(root)
    terms.write_text(text.replace("version: 1.0.0", "version: 2.0.0"), encoding="utf-8")
    os.utime(terms, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert index.load_index(root)["domain_000.orders_00001"].version == "2.0.0"


def test_datasets_come_and_go(root: Path) -> None:
    index.load_index(root)
    write_contract(root, "shop", "orders")
    assert "shop.orders" in index.load_index(root)
    for suffix in index.SUFFIXES:
        (root / "shop" / f"orders{suffix}").unlink()
    assert "shop.orders" not in index.load_index(root)


def test_checks_across_datasets_hold_when_one_is_added(root: Path) -> None:
    write_contract(root, "a_b", "c")
    index.load_index(root)
    write_contract(root, "a", "b_c")
    with pytest.raises(ContractErrors, match="would share the lake table"):
        index.load_index(root)


def test_a_fault_is_reported_at_each_load_until_it_is_fixed(root: Path) -> None:
    index.load_index(root)
    shape = root / "domain_000" / "orders_00001.avsc"
    good = shape.read_text(encoding="utf-8")
    shape.write_text(good.replace('"long"', '"serial"', 1), encoding="utf-8")
    for _ in range(2):
        with pytest.raises(ContractErrors, match='the type "serial" is not supported'):
            index.load_index(root)
    shape.write_text(good, encoding="utf-8")
    assert len(index.load_index(root)) == 3


def test_other_code_reads_everything_again(root: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    index.load_index(root)
    reads.clear()
    monkeypatch.setattr(index, "_code_stamp", lambda: [1, 2])
    index.load_index(root)
    assert len(reads) == 3


def test_another_root_reads_everything_again(root: Path, tmp_path: Path, reads: list[str]) -> None:
    place = tmp_path / "index.json"
    index.load_index(root, place)
    other = tmp_path / "other"
    write_contract(other, "shop", "orders")
    assert list(index.load_index(other, place)) == ["shop.orders"]


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"code": 1}'])
def test_a_damaged_index_is_made_anew(root: Path, content: str) -> None:
    place = index.index_path(root)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(content, encoding="utf-8")
    assert len(index.load_index(root)) == 3
    assert json.loads(place.read_text(encoding="utf-8"))["contracts"]


def test_where_it_is_kept(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index.load_index(root)
    assert (tmp_path / ".headrace" / "contracts.index.json").exists()
    monkeypatch.setenv(index.ENVIRONMENT, str(tmp_path / "configured.json"))
    index.load_index(root)
    assert (tmp_path / "configured.json").exists()
    index.load_index(root, tmp_path / "given.json")
    assert (tmp_path / "given.json").exists()
    assert not list(tmp_path.glob("*.json.*")), "no temporary file is left"


def test_without_a_place_to_write_it_is_done_without(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    place = tmp_path / "file" / "index.json"
    assert len(index.load_index(root, place)) == 3
    assert len(index.load_index(root, place)) == 3


def test_a_root_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ContractErrors, match="the folder does not exist"):
        index.load_index(tmp_path / "schemas")


def test_a_thousand_contracts_are_cheap_and_import_nothing_heavy(tmp_path: Path) -> None:
    root, place = tmp_path / "schemas", tmp_path / "index.json"
    write_contracts(root, 1_000)
    _age(root)
    index.load_index(root, place)
    program = (
        "import json, sys, time\n"
        "from pathlib import Path\n"
        "from headrace.contracts.index import load_index\n"
        "contracts = load_index(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "fields = sum(len(contract.record.fields) for contract in contracts.values())\n"
        "print(json.dumps([time.process_time(), fields, list(sys.modules)]))\n"
    )
    environment = {"PYTHONPATH": str(PROJECT / "plugins"), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", program, str(root), str(place)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    cpu_s, fields, modules = json.loads(ran.stdout)
    assert fields == 12_000
    assert not HEAVY & set(modules)
    assert cpu_s <= BUDGET_CPU_S
