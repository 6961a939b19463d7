"""Reading both files of a contract: what comes out, and every rule that can be broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.contracts import loading
from headrace.contracts.codec import decode_contract, encode_contract
from headrace.contracts.contract import Maintenance, Role, Rule, Source
from tests.support.contract_faults import faults_of
from tests.support.generated_contracts import avsc, write_contract
from tests.support.orders_contract import SOURCE, keep_shape, write_shape, write_terms


def test_a_contract_holds_everything_declared(root: Path) -> None:
    write_terms(root)
    (contract,) = loading.load_contracts(root)
    assert contract.id == "shop.orders"
    assert (contract.domain, contract.name, contract.version, contract.major) == ("shop", "orders", "1.0.0", 1)
    assert contract.owner == "till"
    assert contract.record.full_name == "shop.Order"
    assert contract.key == ("order_id", "line")
    assert [field.name for field in contract.key_fields] == ["order_id", "line"]
    assert contract.source == Source("cdc", "oltp", "shop.orders", "envelope")
    assert contract.zones == ("raw", "cleaned", "history")
    assert contract.serving == "clickhouse"
    assert (contract.partitions, contract.compatibility, contract.stream_group) == (1, "BACKWARD", "shop")
    assert contract.freshness_s == 5.0
    assert contract.classifications == {"customer_id": "pseudonymous"}
    assert contract.roles == (Role("analyst", "read"),)
    rule = Rule("quantity_nullValues", "library", "quantity", "warning", {"metric": "nullValues", "mustBe": 0})
    assert contract.quality == (rule,)
    assert contract.path == "include/schemas/shop/orders.avsc"
    assert hash(contract)


def test_the_key_follows_its_positions_not_the_file(root: Path) -> None:
    write_terms(
        root,
        ("order_id, primaryKey: true, primaryKeyPosition: 1", "order_id, primaryKey: true, primaryKeyPosition: 2"),
        ("line, primaryKey: true, primaryKeyPosition: 2", "line, primaryKey: true, primaryKeyPosition: 1"),
    )
    (contract,) = loading.load_contracts(root)
    assert contract.key == ("line", "order_id")


def test_optional_properties(root: Path) -> None:
    write_terms(
        root,
        ("{kind: cdc, connection: oltp, table: shop.orders}", "{kind: ingest}"),
        ("  - {property: zones, value: [raw, cleaned, history]}\n", ""),
        ("  - {property: serving, value: clickhouse}", "  - {property: partitions, value: 12}"),
        ("roles:\n  - {role: analyst, access: read}\n", ""),
        ("value: 5, unit: s", "value: 2, unit: min"),
    )
    (contract,) = loading.load_contracts(root)
    assert contract.source == Source("ingest", changes="append")
    assert contract.zones == ("raw",)
    assert contract.serving == "clickhouse"
    assert contract.partitions == 12
    assert contract.freshness_s == 120.0
    assert contract.roles == ()


def test_properties_of_the_exact_lane(root: Path) -> None:
    write_terms(
        root,
        (
            "  - {property: serving, value: clickhouse}",
            "  - {property: eventTime, value: booked_at}\n  - {property: refineEvery, value: 2 min}\n  - {property: tokenised, value: [customer_id]}\n"
            "  - {property: maintenance, value: {keepDays: 30, monthlyTags: 12}}",
        ),
    )
    (contract,) = loading.load_contracts(root)
    assert (contract.event_time, contract.tokenised) == ("booked_at", ("customer_id",))
    assert contract.maintenance == Maintenance(keep_days=30, monthly_tags=12)
    assert contract.refine_every_s == 120.0
    assert decode_contract(encode_contract(contract)) == contract


def test_a_contract_that_an_older_version_encoded_is_still_read(root: Path) -> None:
    write_terms(root)
    (contract,) = loading.load_contracts(root)
    encoded = encode_contract(contract)
    del encoded["refine_every_s"]
    assert decode_contract(encoded) == contract


RULE = "{type: library, metric: nullValues, mustBe: 0, severity: warning}"
PATH = "include/schemas/shop/orders.odcs.yaml"

BROKEN_TERMS: list[tuple[str, str, int, str, str]] = [
    ("apiVersion: v3.2.0", "apiVersion: v2.2.2", 1, "version", "apiVersion is 'v2.2.2'; write one like v3.2.0"),
    ("kind: DataContract", "kind: Data", 2, "identity", "kind is 'Data'; write DataContract"),
    ("id: shop.orders", "id: shop.order", 3, "identity", "id is 'shop.order'; write shop.orders"),
    ("name: orders\nversion", "name: order\nversion", 4, "identity", "name is 'order'; write orders"),
    ("version: 1.0.0", "version: 1", 5, "odcs", "version: input should be a valid string"),
    ("version: 1.0.0", 'version: "1.0"', 5, "version", "version is '1.0'; write one like 1.0.0"),
    ("domain: shop\n", "domain: till\n", 7, "identity", "domain is 'till'; write shop"),
    ("domain: shop\n", "domian: shop\n", 7, "odcs", "'domian' is not an ODCS key here; write \"domain\" if that is meant"),
    ("team: {name: till}", "team: {}", 8, "owner", "the dataset has no owner team; write team: {name: …}"),
    ("  - name: orders\n", "  - name: others\n", 10, "schema", "schema needs exactly one object, named orders"),
    ("url: orders.avsc", "url: order.avsc", 12, "schema", "the implementation is 'order.avsc'; write orders.avsc"),
    (", primaryKeyPosition: 2", ", primaryKeyPosition: 3", 14, "key", "the key's positions are [1, 3]; number them 1 to 2"),
    ("name: customer_id", "name: custmer_id", 16, "property", "orders.avsc has no field 'custmer_id'; write \"customer_id\""),
    ("classification: pse", "clasification: pse", 16, "odcs", "'clasification' is not an ODCS key here; write \"classification\""),
    ("classification: pseudonymous", "logicalType: integer", 16, "type-repeated", "customer_id: logicalType is declared only in"),
    ("classification: pseudonymous", "required: true", 16, "type-repeated", "customer_id: required is declared only in"),
    ("customer_id, classification", "customer_id, primaryKey: true, primaryKeyPosition: 3, classification", 16, "key",
     "customer_id may be null; choose another key"),
    ("name: customer_id, classification: pseudonymous", "name: line", 16, "property", "line is listed twice; keep one"),
    (RULE, "{type: library, metric: nulls, mustBe: 0}", 18, "quality", "rule quantity_nulls: its metric is 'nulls'"),
    (RULE, "{type: sql, name: q, mustBe: 0}", 18, "quality", "rule q: it has no query"),
    (RULE, "{type: library, metric: rowCount}", 18, "quality", "rule quantity_rowCount: it has 0 conditions"),
    (RULE, "{metric: rowCount, mustBe: 0, mustNotBe: 1}", 18, "quality", "rule quantity_rowCount: it has 2 conditions"),
    (RULE, "{type: gx, name: q}", 18, "quality", "rule q: its type is 'gx'; write one of library, sql, text, custom"),
    (RULE, "{metric: rowCount, mustBe: 0, severity: bad}", 18, "quality", "its severity is 'bad'; write one of info"),
    (RULE, "{metric: rowCount, mustBe: 1}, {metric: rowCount, mustBe: 2}", 18, "quality", "the name is taken"),
    (RULE, "{name: quantity_required, metric: nullValues, mustBe: 0}", 18, "quality", "the name is taken"),
    (RULE, "{name: key_unique, metric: nullValues, mustBe: 0}", 18, "quality", "the name is taken"),
    (RULE, "{metric: rowCount, mustBeBetween: [1]}", 18, "odcs", "schema.0.properties.3.quality.0.mustBeBetween: list should"),
    ("unit: s", "unit: lightyear", 20, "sla", "freshness is 5 'lightyear'; write a positive number and a unit"),
    ("value: 5", "value: 0", 20, "sla", "freshness is 0 's'; write a positive number"),
    ("orders.booked_at", "orders.booked", 20, "sla", "there is no 'orders.booked'; write orders.<field>"),
    ("orders.booked_at", "lines.booked_at", 20, "sla", "there is no 'lines.booked_at'"),
    ("role: analyst", "roel: analyst", 22, "odcs", "'roel' is not an ODCS key here; write \"role\" if that is meant"),
    ("access: read", "access: look", 22, "role", "the access of analyst is 'look'; write read or write or admin"),
    ("{role: analyst, access: read}", "{access: read}", 22, "role", "the role is None; give each role a unique name"),
    ("property: zones", "property: zone", 25, "custom-property", "unknown custom property 'zone'; write \"zones\""),
    ("property: serving, value: clickhouse", "property: zones, value: [raw]", 26, "custom-property", "zones is given twice"),
    ("property: source", "property: stream", 24, "source", "the custom property source is missing; write {kind: cdc|"),
    (SOURCE, "cdc", 24, "source", "source is not a mapping; write {kind: cdc|ingest|pull|file|mart|platform, connection: name, table"),
    (SOURCE, "{kind: cdc, connection: oltp, tabel: shop.orders}", 24, "source", "source has the unknown key 'tabel'"),
    (SOURCE, "{kind: platform}", 24, "source", "kind platform, and only this kind, needs serving none"),
    (SOURCE, "{kind: stream}", 24, "source", "source has the kind 'stream'"),
    (SOURCE, "{kind: cdc, table: shop.orders}", 24, "source", "source has no connection, which cdc needs"),
    (SOURCE, "{kind: api}", 24, "source", "source has no connection, which pull needs"),
    (SOURCE, "{kind: api, connection: Shop}", 24, "source", "source has the connection 'Shop', which is not a name"),
    (SOURCE, "{kind: cdc, connection: oltp}", 24, "source", "source has the table None, but cdc needs schema.table"),
    (SOURCE, "{kind: cdc, connection: oltp, table: orders}", 24, "source", "source has the table 'orders'"),
    (SOURCE, "{kind: ingest, table: a.b}", 24, "source", "source has a table, but ingest has none"),
    ("[raw, cleaned, history]", "raw", 25, "zones", "zones is not a list; write a list of raw, cleaned, history, quarantine"),
    ("[raw, cleaned, history]", "[]", 25, "zones", "zones is not a list"),
    ("[raw, cleaned, history]", "[raw, gold]", 25, "zones", "zones has the unknown zone 'gold'"),
    ("[raw, cleaned, history]", "[raw, history]", 25, "zones", "zones has history without cleaned"),
    ("[raw, cleaned, history]", "[cleaned]", 25, "zones", "zones has cleaned without raw, from which it is built"),
    (SOURCE, "{kind: mart}", 24, "source", "kind is 'mart' in the domain shop; all marts, and only marts, are in the domain marts"),
    (SOURCE, "{kind: mart, connection: oltp}", 24, "source", "source has a connection, but a mart is built from"),
    ("[raw, cleaned, history]", "[raw, raw]", 25, "zones", "zones names a zone twice"),
    ("value: clickhouse", "value: duckdb", 26, "serving", "serving is 'duckdb'; write clickhouse or postgres"),
    ("serving, value: clickhouse", "partitions, value: 0", 26, "partitions", "partitions is 0; write a whole number from 1 to"),
    ("serving, value: clickhouse", "partitions, value: '2'", 26, "partitions", "partitions is '2'; write a whole number"),
    ("serving, value: clickhouse", "compatibility, value: SAME", 26, "compatibility", "compatibility is 'SAME'; write BACKWARD"),
    ("serving, value: clickhouse", "stream, value: A B", 26, "stream", "stream is 'A B'; write a name in lower case"),
    ("serving, value: clickhouse", "maintenance, value: 7", 26, "maintenance", "maintenance is not a mapping; write {targetFileMb"),
    ("serving, value: clickhouse", "maintenance, value: {keepDay: 7}", 26, "maintenance", "has the unknown key 'keepDay'"),
    ("serving, value: clickhouse", "maintenance, value: {keepDays: 0}", 26, "maintenance", "has keepDays 0, which must be a whole"),
    ("serving, value: clickhouse", "refineEvery, value: 5", 26, "refineEvery", "refineEvery is 5; write a whole number and a unit"),
    ("serving, value: clickhouse", "refineEvery, value: 0 min", 26, "refineEvery", "refineEvery is '0 min'; write a whole number and a unit"),
    ("serving, value: clickhouse", "eventTime, value: [a]", 26, "eventTime", "eventTime is ['a']; write the name of a"),
    ("serving, value: clickhouse", "eventTime, value: boked_at", 26, "eventTime", "boked_at is not a field of the .avsc; write \"booked_at\""),
    ("serving, value: clickhouse", "eventTime, value: line", 26, "eventTime", "line is of type int, which is not a time"),
    ("serving, value: clickhouse", "tokenised, value: customer_id", 26, "tokenised", "tokenised is not a list of names; write a list"),
    ("serving, value: clickhouse", "tokenised, value: [line, line]", 26, "tokenised", "tokenised names a field twice"),
    ("serving, value: clickhouse", "tokenised, value: [line]", 26, "tokenised", "line has no classification, which is the reason"),
    ("serving, value: clickhouse", "tokenised, value: [lime]", 26, "tokenised", "lime is not a field of the .avsc; write \"line\""),
    ("status: active", "status: [", 8, "syntax", "this is not YAML"),
    ("status: active", "id: shop.orders", 6, "duplicate-key", '"id" is given twice (first on line 3); keep one of them'),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "rule", "message"), BROKEN_TERMS, ids=[f"{case[3]}:{case[1][:40]}" for case in BROKEN_TERMS]
)
def test_a_broken_rule_of_the_terms(root: Path, old: str, new: str, line: int, rule: str, message: str) -> None:
    write_terms(root, (old, new))
    faults = faults_of(root)
    assert any(one.startswith(f"{PATH}:{line}: {rule}: ") and message in one for one in faults), faults
    assert all("; " in one for one in faults)


def test_there_must_be_a_key(root: Path) -> None:
    write_terms(root, ("primaryKey: true", "unique: true"))
    (fault,) = faults_of(root)
    assert "key: no property is part of the key; set primaryKey: true on at least one" in fault


def test_faults_of_all_files_are_reported_together(root: Path) -> None:
    write_contract(root, "shop", "good")
    write_terms(root, ("value: clickhouse", "value: duckdb"))
    (root / "shop" / "alone.avsc").write_text(json.dumps(avsc("shop")), encoding="utf-8")
    (root / "shop" / "terms.odcs.yaml").write_text("[]", encoding="utf-8")
    (root / "shop" / "README.md").write_text("is no contract", encoding="utf-8")
    faults = faults_of(root)
    assert [one.split(": ")[0:2] for one in faults] == [
        ["include/schemas/shop/alone.odcs.yaml:1", "missing"],
        [f"{PATH}:26", "serving"],
        ["include/schemas/shop/terms.avsc:1", "missing"],
        ["include/schemas/shop/terms.odcs.yaml:1", "odcs"],
    ]


def test_faults_of_the_shape_do_not_hide_those_of_the_terms(root: Path) -> None:
    write_shape(root, lambda fields: (fields["line"].pop("doc"), fields["order_id"].update(type="serial")))
    keep_shape(root, ("name: customer_id", "name: custmer_id"))
    assert [one.split(": ")[1] for one in faults_of(root)] == ["type", "doc", "property"]


def test_bytes_that_are_no_text(root: Path) -> None:
    write_terms(root)
    (root / "shop" / "orders.avsc").write_bytes(b"\xff\xfe{")
    (fault,) = faults_of(root)
    assert "orders.avsc:1: unreadable: the file cannot be read" in fault


@pytest.mark.parametrize(
    ("domain", "dataset", "message"),
    [
        ("Shop", "orders", "'Shop' cannot name a domain"),
        ("shop", "order-lines", "'order-lines' cannot name a dataset"),
        ("shop", "orders.v2", "'orders.v2' cannot name a dataset"),
        ("metrics", "orders", "the domain 'metrics' is a database of the platform"),
        ("system", "orders", "the domain 'system' is a database of the platform"),
    ],
)
def test_names_of_folders_and_files(root: Path, domain: str, dataset: str, message: str) -> None:
    write_contract(root, domain, dataset)
    assert any(f"name: {message}" in fault for fault in faults_of(root))


def test_folders_that_are_no_domain_are_left_alone(root: Path) -> None:
    write_contract(root, "shop", "orders")
    write_contract(root, "_drafts", "orders")
    write_contract(root, ".git", "orders")
    assert [contract.id for contract in loading.load_contracts(root)] == ["shop.orders"]


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (("a_b", "c"), ("a", "b_c"), "a_b.c and a.b_c would share the lake table raw.a_b_c"),
        (
            ("shop", "orders"),
            ("shop", "orders_state"),
            "shop.orders_state and shop.orders would share the warehouse table",
        ),
    ],
)
def test_two_datasets_may_not_share_a_name(
    root: Path, first: tuple[str, str], second: tuple[str, str], message: str
) -> None:
    write_contract(root, *first)
    write_contract(root, *second)
    faults = faults_of(root)
    assert any(f"collision: {message}" in one for one in faults), faults


def test_two_datasets_may_not_share_a_source_table(root: Path) -> None:
    write_terms(root)
    write_terms(root, ("table: shop.others", "table: shop.orders"), dataset="others")
    assert any(
        "shop.others and shop.orders would share the topic oltp.shop.orders" in fault for fault in faults_of(root)
    )


def test_a_root_that_is_not_there(tmp_path: Path) -> None:
    assert "missing" in faults_of(tmp_path / "schemas")[0]
