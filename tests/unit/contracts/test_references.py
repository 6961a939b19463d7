"""What a contract says of other datasets: read from `relationships`, and refused when it leads nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.contracts import index, loading
from headrace.contracts.contract import Reference
from headrace.errors import ContractErrors
from tests.support.generated_contracts import TERMS, write_contract

CUSTOMER = "      - {name: customer_id, classification: pseudonymous}\n"
QUANTITY = "      - name: quantity\n"
PAIR = """\
    relationships:
      - id: order_known
        from: [lines.order_id, line]
        to: [shop.orders.order_id, shop.orders.line]
        customProperties: [{property: severity, value: info}]
"""


def property_level(to: str, more: str = "") -> str:
    return f"      - {{name: customer_id, classification: personal, relationships: [{{to: {to}{more}}}]}}\n"


def schema_level(mine: str, to: str) -> str:
    return f"    relationships: [{{from: {mine}, to: {to}}}]\n"


def write(root: Path, *, at_property: str = CUSTOMER, at_schema: str = "", more: tuple[str, str] = ("", "")) -> None:
    """`shop.orders`, and `shop.lines`, which refers."""
    write_contract(root, "shop", "orders")
    write_contract(root, "shop", "lines")
    text = TERMS.format(domain="shop", dataset="lines").replace(CUSTOMER, at_property)
    text = text.replace("slaProperties:", f"{at_schema}slaProperties:").replace(*more)
    (root / "shop" / "lines.odcs.yaml").write_text(text, encoding="utf-8")


def message_of(root: Path) -> str:
    with pytest.raises(ContractErrors) as raised:
        loading.load_contracts(root)
    return str(raised.value)


def references(root: Path) -> tuple[Reference, ...]:
    return next(c for c in loading.load_contracts(root) if c.name == "lines").references


def test_references_are_read_and_the_index_keeps_them(tmp_path: Path) -> None:
    severity = ", customProperties: [{property: severity, value: warning}]"
    write(tmp_path, at_property=property_level("orders.customer_id", severity), at_schema=PAIR)
    found = references(tmp_path)
    assert found == (
        Reference("customer_id_known", ("customer_id",), "shop.orders", ("customer_id",), "warning"),
        Reference("order_known", ("order_id", "line"), "shop.orders", ("order_id", "line"), "info"),
    )
    place = tmp_path / "index.json"
    assert index.load_index(tmp_path, place)["shop.lines"].references == found
    assert index.load_index(tmp_path, place)["shop.lines"].references == found


def test_a_reference_has_the_severity_error_by_default(tmp_path: Path) -> None:
    write(tmp_path, at_property=property_level("shop.orders.customer_id"))
    assert [reference.severity for reference in references(tmp_path)] == ["error"]


def test_whole_numbers_of_both_sizes_may_be_equal(tmp_path: Path) -> None:
    write(tmp_path, at_schema=schema_level("lines.line", "orders.order_id"))
    assert references(tmp_path)[0].name == "line_known"


@pytest.mark.parametrize(
    ("at_property", "at_schema", "message"),
    [
        (
            property_level("order.customer_id"),
            "",
            'there is no dataset shop.order; write "shop.orders" if that is meant',
        ),
        (property_level("orders.customer"), "", "shop.orders has no field 'customer'; write \"customer_id\""),
        (
            property_level("orders.note"),
            "",
            "customer_id is long and shop.orders.note is string; use the same type",
        ),
        (property_level("customer_id"), "", "to is 'customer_id'; write <dataset>.<field>"),
        (property_level("[orders.line, orders.order_id]"), "", "for each referring field"),
        (property_level("orders.customer_id", ", type: friend"), "", "its type is 'friend'; write foreignKey"),
        (
            property_level("orders.customer_id", ", customProperties: [{property: severity, value: bad}]"),
            "",
            "its severity is 'bad'; write one of info, warning, error",
        ),
        (CUSTOMER, schema_level("lines.nope", "orders.line"), "the .avsc has no field 'nope'"),
        (CUSTOMER, "    relationships: [{to: orders.line}]\n", "it does not name the referring fields"),
        (CUSTOMER, schema_level("[lines.line, lines.tags]", "[orders.line, orders.tags]"), "tags is array"),
        (
            property_level("orders.customer_id", ", id: quantity_nullValues"),
            "",
            "the name quantity_nullValues is taken",
        ),
    ],
)
def test_what_leads_nowhere_is_refused(tmp_path: Path, at_property: str, at_schema: str, message: str) -> None:
    write(tmp_path, at_property=at_property, at_schema=at_schema)
    found = message_of(tmp_path)
    assert "lines.odcs.yaml" in found
    assert ": reference: " in found
    assert message in found


def test_a_field_is_hidden_in_both_datasets_or_in_none(tmp_path: Path) -> None:
    hidden = ("customProperties:\n", "customProperties:\n  - {property: tokenised, value: [customer_id]}\n")
    write(tmp_path, at_property=property_level("orders.customer_id"), more=hidden)
    assert "customer_id and shop.orders.customer_id are not both tokenised" in message_of(tmp_path)


def test_a_dataset_that_cannot_be_read_is_no_missing_one(tmp_path: Path) -> None:
    write(tmp_path, at_property=property_level("orders.customer_id"))
    (tmp_path / "shop" / "orders.avsc").write_text("{}")
    assert "there is no dataset" not in message_of(tmp_path)
