"""Which datasets `serve_from_raw` may be asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.contracts.index import contracts_folder, load_index
from headrace.services.serving.operators import streamed_datasets

CONTRACTS = load_index(contracts_folder(Path(__file__).parents[4]))


def test_those_that_are_named_or_all_that_a_stream_serves() -> None:
    found = [contract.id for contract in streamed_datasets(CONTRACTS, None)]
    assert {"retail.transactions", "retail.products"} <= set(found)
    assert not {"retail.coupons", "marts.store_daily"} & set(found)
    assert [contract.id for contract in streamed_datasets(CONTRACTS, ["retail.products"])] == ["retail.products"]


def test_one_that_no_stream_serves_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"retail\.coupons: not served by a stream .*retail\.transactions"):
        streamed_datasets(CONTRACTS, "retail.coupons")
