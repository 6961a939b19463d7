"""Writer schemas by id, from the registry, each fetched once."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from headrace.errors import SystemRefused
from headrace.systems.endpoint import Endpoint
from headrace.systems.registry.hook import RegistryHook
from include.spark.streaming.writer import UnreadableSchema, Writer, compile_writer


class Writers:
    """Compiled writer schemas. What the registry does not have, or nobody can read, is remembered too."""

    def __init__(self, url: str) -> None:
        self._registry = RegistryHook(Endpoint.from_url(url, path=urlsplit(url).path.rstrip("/")))
        self._known: dict[int, Writer | UnreadableSchema] = {}

    def __call__(self, schema_id: int) -> Writer:
        """The writer of that schema id.

        Raises:
            UnreadableSchema: the registry has no such schema, or it is of a kind that is not served.
            SystemUnavailable: the registry does not answer.
        """
        found = self._known.get(schema_id)
        if found is None:
            found = self._known[schema_id] = self._compile(schema_id)
        if isinstance(found, UnreadableSchema):
            raise found
        return found

    def _compile(self, schema_id: int) -> Writer | UnreadableSchema:
        try:
            schema: Any = self._registry.schema(schema_id)
        except SystemRefused as refused:
            return UnreadableSchema(f"schema id {schema_id}: {refused}")
        try:
            return compile_writer(schema_id, schema)
        except UnreadableSchema as unreadable:
            return unreadable
