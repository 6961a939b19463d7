"""The stack's surfaces: where each listens, what it may be asked by HTTP, and what answers everybody."""

from __future__ import annotations

from typing import Final, NamedTuple

from tests.conftest import Stack

PARTS: Final = {
    "WEED S3": 1, "WEED ADMIN": 3, "WEED MASTER": 4, "WEED MASTER GRPC": 5, "WEED VOLUME": 6, "WEED VOLUME GRPC": 7,
    "WEED FILER": 8, "WEED FILER GRPC": 9, "WEED ADMIN GRPC": 10_003,
}  # fmt: skip
"""SeaweedFS's own parts → how far their port is from HEADRACE_PORT_WEED."""


class Question(NamedTuple):
    """What may be asked of a surface by HTTP."""

    surface: str
    method: str
    path: str


QUESTIONS: Final = tuple(
    Question(*line.split())
    for line in """\
AIRFLOW GET /api/v2/dags
AIRFLOW GET /api/v2/connections
AIRFLOW POST /api/v2/dags/apply_contracts/dagRuns
AIRFLOW DELETE /api/v2/connections/platform_default
AIRFLOW GET /execution/connections/platform_default
CATALOG GET /v1/namespaces
CLICKHOUSE POST /?query=SHOW+DATABASES
CLICKHOUSE POST /?query=SYSTEM+STOP+LISTEN+HTTP
CONNECT GET /connectors
CONNECT GET /connectors/cdc-oltp/config
CONNECT POST /connectors/cdc-oltp/restart
CONNECT POST /connectors/cdc-oltp/tasks
CONNECT PUT /connectors/cdc-oltp/fence
CONNECT DELETE /connectors/cdc-oltp
CONNECT GET /admin/loggers
LINEAGE GET /api/v1/jobs
LINEAGE POST /api/v1/lineage
REGISTRY GET /apis/ccompat/v7/subjects
REGISTRY POST /apis/ccompat/v7/subjects/stranger/versions
REGISTRY DELETE /apis/ccompat/v7/subjects/retail.transactions-value
REGISTRY GET /apis/registry/v2/search/artifacts
REGISTRY GET /apis/registry/v3/search/artifacts
REGISTRY GET /apis/registry/v3/admin/export
S3 GET /
S3 GET /warehouse
S3 PUT /landing/stranger
S3 DELETE /landing
WEED_FILER GET /
WEED_FILER GET /buckets/landing/
WEED_FILER POST /buckets/landing/stranger
WEED_FILER DELETE /buckets/landing?recursive=true
WEED_MASTER GET /dir/assign
WEED_MASTER GET /col/delete?collection=landing
WEED_MASTER POST /submit
WEED_VOLUME GET /1,01637037d6
WEED_VOLUME POST /1,01637037d6
WEED_VOLUME GET /ui/index.html
WEED_ADMIN GET /
WEED_ADMIN GET /api/config
""".splitlines()
)
"""What must be refused to a stranger."""


def port(stack: Stack, surface: str) -> int:
    """The port of a surface by its name in ASKED, or in the threat model."""
    name = surface.replace("_", " ")
    if name in PARTS:
        return stack.settings.port("WEED") + PARTS[name]
    return stack.settings.port(surface)


def ports(stack: Stack) -> dict[int, str]:
    """Every port that has a name → that name."""
    named = {number: name for name, number in stack.settings.ports().items() if name != "WEED"}
    return named | {port(stack, name): name for name in PARTS}
