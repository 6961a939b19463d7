"""Users of a cluster, and what each may do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from headrace.systems.kafka.hook import KafkaHook, admin_api

ITERATIONS: Final = 4096
"""Of SCRAM, as many as Kafka's default: a password of ours is random, so guessing it is hopeless."""


class Grant(NamedTuple):
    """Operations that a user may do on the resources of a kind; kinds and operations are named as Kafka names them."""

    user: str
    kind: str
    name: str
    """Of the resource; `*` is any."""
    operations: tuple[str, ...]
    prefix: bool = False
    """Whether `name` is how the names begin."""


def make_users(hook: KafkaHook, passwords: Mapping[str, str], grants: Iterable[Grant]) -> None:
    """Make the users (name → password) and let them do what is granted; again changes nothing.

    What was granted before, and is not among the grants, stays.

    Raises:
        SystemUnavailable: the cluster does not answer.
        SystemRefused: it refuses.
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
