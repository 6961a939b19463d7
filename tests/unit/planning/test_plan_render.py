"""The plan as text and JSON: what a person must find in it, and what must not be in it."""

from __future__ import annotations

import json
from dataclasses import replace

from headrace.planning.impact import impact_of, impact_of_change, sentence
from headrace.planning.plan import Impact, Refusal
from headrace.planning.render import counts, render, to_json
from tests.unit.planning.cases import LINES, SETTINGS, VIEWS, plan_of, without_field, world


def test_an_empty_plan_is_shown_as_empty() -> None:
    plan = plan_of(LINES, there=world(LINES))
    assert render(plan) == "No changes: every system matches the contracts."
    assert to_json(plan)["changes"] == []


def test_counts_stand_at_the_end() -> None:
    first = plan_of(LINES, there=())
    total = len(first.changes)
    assert render(first).splitlines()[-1] == (f"Plan: {total} to create, 0 to update, 0 to delete, 0 refused.")
    refused = plan_of(without_field(LINES, "channel"), there=world(LINES))
    assert counts(refused) == {"create": 0, "update": 2, "delete": 0, "refused": 4, "held": 0}
    held = replace(refused, withheld=refused.changes, changes=(), held={LINES.id: "it is refused."})
    assert counts(held) == {"create": 0, "update": 0, "delete": 0, "refused": 4, "held": 1}
    assert render(held).endswith("4 refused. Held back: retail.basket_lines; the rest is carried out.")


def test_a_refusal_that_is_about_no_change_is_counted_too() -> None:
    drifted = Refusal((LINES.id,), 'field "x"', "missing-column", (), Impact(), "the column is missing.")
    for plan, refused in (
        (plan_of(LINES, there=world(LINES)), 1),
        (plan_of(without_field(LINES, "channel"), there=world(LINES)), 5),
    ):
        both = replace(plan, refusals=(*plan.refusals, drifted))
        assert counts(both)["refused"] == refused
        assert "No changes" not in render(both)
        assert f"{refused} refused." in render(both)


def test_a_deleted_connector_and_orphans_are_shown() -> None:
    text = render(plan_of(VIEWS, there=world(LINES, VIEWS), owned={"cdc-oltp"}))
    assert "- delete connector cdc-oltp" in text
    assert "i orphan: topic oltp.retail.basket_lines: no contract declares it." in text


def test_neither_text_nor_json_holds_a_secret() -> None:
    source = replace(SETTINGS.sources["oltp"], password_ref="hunter2")
    settings = replace(SETTINGS, sources={"oltp": source})
    there = world(LINES, settings=settings)
    for plan in (plan_of(LINES, there=there), plan_of(VIEWS, there=there, owned={"cdc-oltp"})):
        assert "cdc-oltp" in render(plan)
        assert "hunter2" not in render(plan)
        assert "hunter2" not in json.dumps(to_json(plan))


def test_impact_of_a_change_is_that_of_its_datasets() -> None:
    change = plan_of(LINES, VIEWS, there=()).changes[0]
    assert impact_of_change(change, [LINES, VIEWS]) == impact_of([LINES.id], [LINES])
    assert impact_of([LINES.id, VIEWS.id], [LINES, VIEWS]) == Impact(
        tables=(
            "cleaned.retail_basket_lines",
            "raw.retail_basket_lines",
            "raw.web_page_views",
            "retail.basket_lines_changes",
            "retail.basket_lines_state",
            "web.page_views_changes",
            "web.page_views_state",
        ),
        streams=("stream_retail", "stream_web"),
        views=("retail.basket_lines", "web.page_views"),
    )


def test_what_is_hit_is_one_sentence() -> None:
    assert sentence(Impact()) == ""
    assert sentence(Impact(("a",), (), ("v", "w"))) == "It affects table a and views v and w"
    assert sentence(Impact(("a", "b", "c"), ("s",), ("v",))) == ("It affects tables a, b and c, stream s and view v")
