"""A stream group's plan, and when a driver must be started anew for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from headrace.contracts.loading import load_contracts
from headrace.contracts.types import Field
from headrace.planning.streams import stream_plans

CONTRACTS = [c for c in load_contracts(Path(__file__).parents[3] / "include" / "schemas") if c.source.kind == "cdc"]


def test_the_retail_datasets_are_one_group() -> None:
    plans = stream_plans(CONTRACTS)
    assert list(plans) == ["retail"]
    assert len(plans["retail"].topics) == len(CONTRACTS)


def test_a_field_more_does_not_restart_a_driver() -> None:
    first, *others = CONTRACTS
    extra = replace(first.record.fields[-1], name="extra", id=99)
    assert isinstance(extra, Field)
    grown = replace(first, record=replace(first.record, fields=(*first.record.fields, extra)))
    assert stream_plans([grown, *others])["retail"].version == stream_plans(CONTRACTS)["retail"].version


def test_a_dataset_more_does() -> None:
    first, *others = CONTRACTS
    more = replace(first, id="retail.more", name="more", source=replace(first.source, table="retail.more"))
    assert stream_plans([more, *CONTRACTS])["retail"].version != stream_plans(CONTRACTS)["retail"].version
    other_key = replace(first, key=(*first.key, first.record.fields[-1].name))
    assert stream_plans([other_key, *others])["retail"].version != stream_plans(CONTRACTS)["retail"].version
