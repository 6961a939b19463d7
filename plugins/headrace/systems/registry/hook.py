"""Hook for the schema registry's Confluent API.

Connection `schema_registry_default`, type http: host, port, login, password, and in extra
`{"path": "/apis/ccompat/v7"}` where the API is not at the root.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

from headrace.systems.endpoint import Endpoint
from headrace.systems.http import Answer, HttpClient
from headrace.systems.retry import Backoff

if TYPE_CHECKING:
    import httpx

SUBJECT_NOT_FOUND: Final = 404
INCOMPATIBLE: Final = 409
INVALID: Final = 422


class Registered(NamedTuple):
    """One registered version of a subject's schema."""

    subject: str
    id: int
    version: int
    schema: Any
    """The Avro schema as JSON, as the registry renders it."""


class RegistryHook:
    """Hook for subjects, their schemas and compatibility levels."""

    default_conn_name = "schema_registry_default"

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout_s: float = 15.0,
        backoff: Backoff | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = HttpClient(
            "registry",
            endpoint,
            path=str(endpoint.extra.get("path", "")),
            next_step="Producers and consumers go on with the schemas they know; nothing new is "
            "registered until it answers.",
            timeout_s=timeout_s,
            backoff=backoff,
            transport=transport,
        )
        self._by_id: dict[int, Any] = {}

    @classmethod
    def from_connection(cls, conn_id: str = default_conn_name) -> RegistryHook:
        """Create the hook from an Airflow connection."""
        return cls(Endpoint.from_connection(conn_id))

    @property
    def address(self) -> str:
        """Return the URL of the API."""
        return self._http.address

    def subjects(self) -> tuple[str, ...]:
        """Return all subjects, sorted."""
        return tuple(sorted(self._http.call("GET", "/subjects").body or ()))

    def latest(self, subject: str) -> Registered | None:
        """Return the newest version; None if the subject has none."""
        path = f"/subjects/{_quoted(subject)}/versions/latest"
        answer = self._http.call("GET", path, accept={SUBJECT_NOT_FOUND})
        if answer.status == SUBJECT_NOT_FOUND:
            return None
        body = answer.body
        return Registered(subject, body["id"], body["version"], json.loads(body["schema"]))

    def schema(self, schema_id: int) -> Any:
        """Return the Avro schema of the id as JSON; None if there is none.

        Cached, since a registered id never changes.
        """
        if schema_id not in self._by_id:
            answer = self._http.call("GET", f"/schemas/ids/{schema_id}", accept={SUBJECT_NOT_FOUND})
            if answer.status == SUBJECT_NOT_FOUND:
                return None
            self._by_id[schema_id] = json.loads(answer.body["schema"])
        return self._by_id[schema_id]

    def register(self, subject: str, schema: Any) -> int:
        """Register the schema as the subject's newest version; return its id. An existing schema keeps its id.

        Raises:
            SystemRefused: the schema is incompatible with the subject's versions, or is not valid Avro.
        """
        path = f"/subjects/{_quoted(subject)}/versions"
        body = {"schema": json.dumps(schema), "schemaType": "AVRO"}
        answer = self._http.call("POST", path, body=body, accept={INCOMPATIBLE, INVALID})
        if answer.status in (INCOMPATIBLE, INVALID):
            raise self._http.refused("POST", path, answer, self._refusal(subject, answer))
        return int(answer.body["id"])

    def compatible(self, subject: str, schema: Any) -> bool:
        """Return whether the subject's compatibility level allows the schema; True for a subject without versions."""
        path = f"/compatibility/subjects/{_quoted(subject)}/versions/latest"
        body = {"schema": json.dumps(schema), "schemaType": "AVRO"}
        answer = self._http.call("POST", path, body=body, accept={SUBJECT_NOT_FOUND})
        return answer.status == SUBJECT_NOT_FOUND or bool(answer.body["is_compatible"])

    def compatibility(self, subject: str | None = None) -> str | None:
        """Return the subject's own compatibility level, None if it has none. Without a subject: the global level."""
        path = f"/config/{_quoted(subject)}" if subject else "/config"
        answer = self._http.call("GET", path, accept={SUBJECT_NOT_FOUND})
        return None if answer.status == SUBJECT_NOT_FOUND else str(answer.body["compatibilityLevel"])

    def set_compatibility(self, subject: str, level: str) -> None:
        """Set the subject's own level: BACKWARD, FORWARD, FULL, their _TRANSITIVE forms, or NONE."""
        self._http.call("PUT", f"/config/{_quoted(subject)}", body={"compatibility": level})

    def delete(self, subject: str) -> None:
        """Delete the subject and all its versions permanently. No error if there is none."""
        path = f"/subjects/{_quoted(subject)}"
        answer = self._http.call("DELETE", path, accept={SUBJECT_NOT_FOUND})
        if answer.status != SUBJECT_NOT_FOUND:
            self._http.call("DELETE", path, params={"permanent": "true"}, accept={SUBJECT_NOT_FOUND})

    def _refusal(self, subject: str, answer: Answer) -> str:
        if answer.status == INVALID:
            return f"The schema of subject {subject} is not valid Avro."
        level = self.compatibility(subject) or self.compatibility() or "its level"
        return (
            f"Subject {subject} allows only {level} changes. Add fields with defaults, or declare "
            "a new major version of the dataset."
        )


def _quoted(subject: str) -> str:
    return quote(subject, safe="")
