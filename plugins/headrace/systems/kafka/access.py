"""Users of a Kafka cluster and their ACLs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from headrace.systems.kafka.hook import KafkaHook, admin_api

ITERATIONS: Final = 4096
"""SCRAM iterations, as many as Kafka's default. The passwords are random, so they cannot be guessed."""


class Grant(NamedTuple):
    """Operations that a user may do on resources of one kind. Kinds and operations have Kafka's names."""

    user: str
    kind: str
    name: str
    """Name of the resource; `*` is any."""
    operations: tuple[str, ...]
    prefix: bool = False
    """True if `name` is a prefix of names."""


def make_users(hook: KafkaHook, passwords: Mapping[str, str], grants: Iterable[Grant]) -> None:
    """Create the users (name → password) and add the grants. Idempotent.

    Earlier grants stay.

    Raises:
        SystemUnavailable: the cluster does not answer.
        SystemRefused: the cluster refuses.
    """
    users = [_credential(*user) for user in passwords.items()]
    granted = [binding for grant in grants for binding in _bindings(grant)]

    def made() -> None:
        answers: dict[Any, Any] = {
            **hook.admin.alter_user_scram_credentials(users, request_timeout=hook.timeout_s),
            **hook.admin.create_acls(granted, request_timeout=hook.timeout_s),
        }
        for answer in answers.values():
            answer.result()

    hook.call(made)


def _credential(user: str, password: str) -> Any:
    api = admin_api()
    info = api.ScramCredentialInfo(api.ScramMechanism.SCRAM_SHA_512, ITERATIONS)
    return api.UserScramCredentialUpsertion(user, info, password.encode())


def _bindings(grant: Grant) -> list[Any]:
    api = admin_api()
    pattern = api.ResourcePatternType.PREFIXED if grant.prefix else api.ResourcePatternType.LITERAL
    kind, who = api.ResourceType[grant.kind], f"User:{grant.user}"
    return [
        api.AclBinding(kind, grant.name, pattern, who, "*", api.AclOperation[each], api.AclPermissionType.ALLOW)
        for each in grant.operations
    ]
