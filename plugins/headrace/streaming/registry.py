"""Writer schemas by id, from the registry, each fetched once."""

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
ASK_AGAIN_S: Final = 10.0
"""How long a schema that the registry does not have is not asked for again."""


def check_writer(dataset: Served, writer: Writer) -> Writer:
    """The writer, if what it writes can be a row of the dataset. Raises UnreadableSchema."""
    if writer.is_envelope != dataset.by_cdc:
        kind = "no change envelope" if dataset.by_cdc else "a change envelope"
        raise UnreadableSchema(f"schema id {writer.id} is {kind}: it is not of {dataset.id}")
    missing = [name for name in dataset.key if name not in writer.row.fields]
    if missing:
        raise UnreadableSchema(f"schema id {writer.id} has no {', '.join(missing)}: it is not of {dataset.id}")
    return writer


class Writers:
    """Compiled writer schemas. That a schema cannot be read is remembered, too; that there is none, for a while."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._known: dict[int, Writer | UnreadableSchema] = {}
        self._missing: dict[int, float] = {}

    @classmethod
    def at(cls, url: str, user: str = "", password: str = "") -> Writers:
        """Of the registry whose Confluent API is at `url`; without a user, of one that asks nobody."""
        endpoint = replace(Endpoint.from_url(url), login=user or None, password=password or None)
        next_step = "Records of schemas that are known go on; this batch waits."
        return cls(HttpClient("registry", endpoint, path=urlsplit(url).path.rstrip("/"), next_step=next_step))

    def __call__(self, schema_id: int) -> Writer:
        """The writer of that schema id.

        Raises:
            UnreadableSchema: the registry has no such schema, or it is of a kind that is not served.
            SystemUnavailable: the registry does not answer.
            SystemRefused: it does not want to answer.
        """
        found = self._known.get(schema_id)
        if found is None:
            found = self._known[schema_id] = self._compiled(schema_id)
        if isinstance(found, UnreadableSchema):
            raise found
        return found

    def _compiled(self, schema_id: int) -> Writer | UnreadableSchema:
        if time.monotonic() - self._missing.get(schema_id, float("-inf")) < ASK_AGAIN_S:
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
