"""The source of a contract: who brings the records, what a record means, and which fields decide it."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.contracts import loading
from headrace.contracts.codec import decode_contract, encode_contract
from headrace.contracts.contract import Contract, Source
from tests.support.contract_faults import faults_of
from tests.support.orders_contract import SOURCE, write_terms


def contract_with(root: Path, source: str) -> Contract:
    write_terms(root, (SOURCE, source))
    (contract,) = loading.load_contracts(root)
    return contract


def test_records_of_http_are_events_by_default_and_their_key_makes_them_the_same(root: Path) -> None:
    contract = contract_with(root, "{kind: ingest}")
    assert contract.source == Source("ingest", changes="append")
    assert (contract.streamed, contract.captured) == (True, False)
    assert contract.identity == contract.key == ("order_id", "line")


def test_other_fields_may_make_events_the_same(root: Path) -> None:
    contract = contract_with(root, "{kind: ingest, idempotency: [booked_at, order_id]}")
    assert contract.identity == ("booked_at", "order_id")
    assert [field.name for field in contract.identity_fields] == ["booked_at", "order_id"]
    assert contract.key == ("order_id", "line")


def test_an_upsert_names_its_version(root: Path) -> None:
    contract = contract_with(root, "{kind: pull, connection: shop, changes: upsert, version: booked_at}")
    assert contract.source == Source("pull", "shop", changes="upsert", version="booked_at")
    assert decode_contract(encode_contract(contract)) == contract


@pytest.mark.parametrize(("old", "new"), [("event", "ingest"), ("api, connection: shop", "pull, connection: shop")])
def test_a_kind_of_the_last_version_is_still_read_and_the_plan_names_the_new_one(
    root: Path, old: str, new: str
) -> None:
    contract = contract_with(root, f"{{kind: {old}}}")
    kind = new.split(",")[0]
    assert contract.source.kind == kind
    (sentence,) = contract.outdated
    assert f"write kind: {kind}" in sentence
    assert contract_with(root, f"{{kind: {new}}}").outdated == ()


@pytest.mark.parametrize(
    ("stored", "source"),
    [
        (["cdc", "oltp", "shop.orders"], Source("cdc", "oltp", "shop.orders", "envelope")),
        (["event", "", None], Source("ingest", changes="append")),
        (["file", "landing", None], Source("file", "landing")),
    ],
)
def test_a_source_that_the_last_version_stored_is_read(root: Path, stored: list[str | None], source: Source) -> None:
    encoded = encode_contract(contract_with(root, SOURCE)) | {"source": stored}
    del encoded["outdated"]
    assert decode_contract(encoded).source == source


BROKEN = [
    ("{kind: cdc, connection: oltp, table: shop.orders, changes: append}", "source has changes 'append', but cdc has envelope"),
    ("{kind: file, connection: landing, changes: append}", "source has changes 'append', but file has none"),
    ("{kind: ingest, changes: merge}", "source has changes 'merge', but ingest has append or upsert"),
    ("{kind: ingest, changes: upsert}", "source has no version, which changes upsert needs"),
    ("{kind: ingest, changes: upsert, version: 3}", "source has a version that is not the name of a field"),
    ("{kind: ingest, version: booked_at}", "source has a version, which only changes upsert has"),
    ("{kind: ingest, deleted: line}", "source has a deleted, which only changes upsert has"),
    ("{kind: ingest, changes: upsert, version: booked_at, idempotency: [line]}", "source has idempotency, which only changes append has"),
    ("{kind: ingest, idempotency: []}", "source has an idempotency that is not a list of fields"),
    ("{kind: ingest, idempotency: [line, line]}", "source has an idempotency that names a field twice"),
    ("{kind: ingest, idempotency: [lines]}", 'source: lines is not a field of the .avsc; write "line" if that is meant'),
    ("{kind: ingest, idempotency: [customer_id]}", "source: customer_id may be null, so it identifies no record"),
    ("{kind: ingest, changes: upsert, version: customer_id}", "source: customer_id may be null, so it orders no record"),
    ("{kind: ingest, changes: upsert, version: price}", "source: price is of type decimal, but a version is an int, a long"),
    ("{kind: ingest, changes: upsert, version: booked_at, deleted: line}", "source: line is of type int, not boolean"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "message"), BROKEN)
def test_a_source_that_does_not_fit_is_refused_with_what_is_wrong(root: Path, source: str, message: str) -> None:
    write_terms(root, (SOURCE, source))
    (fault,) = faults_of(root)
    assert f".odcs.yaml:24: source: {message}" in fault
