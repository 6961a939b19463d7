"""Cache of compiled writer schemas by registry id."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from headrace.streaming.datasets import Served
from headrace.streaming.writer import UnreadableSchema, Writer, compile_writer
from headrace.systems.endpoint import Endpoint
from headrace.systems.http import HttpClient

NOT_FOUND: Final = 404
RETRY_S: Final = 10.0
"""Seconds before a schema that the registry does not have is requested again."""


def check_writer(dataset: Served, writer: Writer) -> Writer:
    """Return the writer if its records can be rows of the dataset. Raises UnreadableSchema."""
    if writer.is_envelope != dataset.captured:
        kind = "not a change envelope" if dataset.captured else "a change envelope"
        raise UnreadableSchema(f"schema id {writer.id} is {kind}: it does not belong to {dataset.id}")
    missing = [name for name in dataset.key if name not in writer.row.fields]
    if missing:
        raise UnreadableSchema(f"schema id {writer.id} has no {', '.join(missing)}: it does not belong to {dataset.id}")
    return writer


class Writers:
    """Cache of compiled writer schemas. Unreadable schemas are cached too; missing ones for ASK_AGAIN_S."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._known: dict[int, Writer | UnreadableSchema] = {}
        self._missing: dict[int, float] = {}

    @classmethod
    def at(cls, url: str, user: str = "", password: str = "") -> Writers:
        """Create the cache of the registry whose Confluent API is at `url`. Without a user it sends no login."""
        endpoint = replace(Endpoint.from_url(url), login=user or None, password=password or None)
        next_step = "Records of cached schemas are still served; this batch waits."
        return cls(HttpClient("registry", endpoint, path=urlsplit(url).path.rstrip("/"), next_step=next_step))

    def __call__(self, schema_id: int) -> Writer:
        """Return the writer of that schema id.

        Raises:
            UnreadableSchema: the registry has no such schema, or its kind is not supported.
            SystemUnavailable: the registry does not answer.
            SystemRefused: the registry refuses the request.
        """
        found = self._known.get(schema_id)
        if found is None:
            found = self._known[schema_id] = self._compiled(schema_id)
        if isinstance(found, UnreadableSchema):
            raise found
        return found

    def _compiled(self, schema_id: int) -> Writer | UnreadableSchema:
        if time.monotonic() - self._missing.get(schema_id, float("-inf")) < RETRY_S:
            raise _none(schema_id)
        answer = self._http.call("GET", f"/schemas/ids/{schema_id}", accept={NOT_FOUND})
        if answer.status == NOT_FOUND:
            self._missing[schema_id] = time.monotonic()
            raise _none(schema_id)
        try:
            return compile_writer(schema_id, json.loads(answer.body["schema"]))
        except UnreadableSchema as unreadable:
            return unreadable


def _none(schema_id: int) -> UnreadableSchema:
    return UnreadableSchema(f"the registry has no schema id {schema_id}", "schema-unknown")
