"""Steps of the demo in order."""

from __future__ import annotations

from typing import Final

from include.stack.demo.change import CHANGE
from include.stack.demo.column import COLUMN
from include.stack.demo.create import CREATE
from include.stack.demo.kill import KILL
from include.stack.demo.past import PAST
from include.stack.demo.rules import RULES
from include.stack.demo.step import Step
from include.stack.demo.tour import TOUR

STEPS: Final[tuple[Step, ...]] = (CREATE, CHANGE, COLUMN, RULES, PAST, KILL, TOUR)
