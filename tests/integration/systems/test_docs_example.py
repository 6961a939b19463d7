"""The docs' example of a dataset in a schema of its own, word for word but for its names."""

from __future__ import annotations

import re
import time

import pytest

from headrace.contracts import names
from headrace.planning.render import render
from headrace.systems.kafka.counter import count_changes
from headrace.systems.kafka.counting import TopicCount
from tests.integration.systems.world import World
from tests.support.astro import ROOT

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "how-to" / "add-a-dataset.md").read_text()


def example(kind: str, name: str) -> str:
    """The first block of that kind on the page, with names of the test's own for `stores` and `oltp`."""
    text = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)[0]
    return str(text.replace("stores", name).replace("oltp", name))


def test_the_example_is_all_that_a_dataset_needs(world: World) -> None:
    world.sql(example("sql", world.name))
    world.sql(f"INSERT INTO {world.name}.visits VALUES (1, NULL, now())")
    home = world.folder / world.name
    home.mkdir(parents=True)
    (home / "visits.avsc").write_text(example("json", world.name))
    (home / "visits.odcs.yaml").write_text(example("yaml", world.name))
    world.declared.add("visits")
    world.apply()
    world.sql(f"INSERT INTO {world.name}.visits VALUES (2, 7, now())")
    topic, deadline = TopicCount(names.topic(world.contract("visits"))), time.monotonic() + 60
    while (rows := count_changes(world.systems.kafka, world.systems.registry.schema, topic).rows) < 2:
        assert time.monotonic() < deadline, rows
        time.sleep(0.2)
    plan = world.plan()
    assert plan.empty, render(plan)
