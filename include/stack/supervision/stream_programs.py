"""RPC interface `headrace` in the supervisor, which adds programs for stream groups at run time.

The supervisor reads the programs of its configuration at start. A group that is applied later gets its program from the
same text when Airflow launches its driver.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from supervisor.options import UnhosedConfigParser
from supervisor.xmlrpc import Faults, RPCError

GROUP: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
PLACE: Final = "{group}"
"""Placeholder for the group's name in the program's text."""


class StreamPrograms:
    """Methods of the RPC interface."""

    def __init__(self, supervisord: Any, text: str) -> None:
        self._supervisord = supervisord
        self._text = text

    def addStream(self, group: str) -> bool:
        """Add the program of a group; return False if it exists. Raises RPCError for an invalid name."""
        if not isinstance(group, str) or not GROUP.fullmatch(group):
            raise RPCError(Faults.INCORRECT_PARAMETERS, "group")
        if f"stream-{group}" in self._supervisord.process_groups:
            return False
        parser = UnhosedConfigParser()
        parser.expansions = self._supervisord.options.environ_expansions
        parser.read_string(self._text.replace(PLACE, group))
        (config,) = self._supervisord.options.process_groups_from_parser(parser)
        return bool(self._supervisord.add_process_group(config))


def make_interface(supervisord: Any, program: str) -> StreamPrograms:
    """Return the interface; called by the supervisor at start. `program` is the path of the program template."""
    return StreamPrograms(supervisord, Path(program).read_text(encoding="utf-8"))
