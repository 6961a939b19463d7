"""Commands of the project's image besides Airflow: `python -m include.stack.images.container COMMAND`.

prepare          create roles, databases and tables in PostgreSQL; idempotent
kafka-users      create Kafka's users and their permissions; idempotent
streams          run the supervisor of the streaming drivers; Airflow calls it over HTTP
stream GROUP     run the driver of one group (started by that supervisor)
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from headrace.contracts.applied import ENVIRONMENT
from include.stack.supervision.stream_programs import PLACE

ROOT = Path(__file__).parents[3]
CHECKPOINTS = Path("/checkpoints")
FOLDER = Path("/tmp")  # noqa: S108 - inside the container; the files contain no secret
PORT = 9001

SUPERVISOR = """\
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile=/tmp/supervisord.pid

[inet_http_server]
port=0.0.0.0:9001
username=headrace
password=%(ENV_HEADRACE_PASSWORD_STREAMS)s

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[rpcinterface:headrace]
supervisor.rpcinterface_factory = include.stack.supervision.stream_programs:make_interface
program = {program}
"""

PROGRAM = """
[program:stream-{group}]
command={python} -m include.stack.images.container stream {group}
directory={root}
autostart=false
autorestart=false
startsecs=2
stopwaitsecs=30
killasgroup=true
redirect_stderr=true
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
"""


def write_configuration(folder: Path) -> Path:
    """Write supervisord's configuration and return its path. Programs are added per group when Airflow launches them."""
    program, configuration = folder / "stream-program.conf", folder / "streams.conf"
    program.write_text(PROGRAM.format(group=PLACE, python=sys.executable, root=ROOT))
    configuration.write_text(SUPERVISOR.format(program=program))  # the password is not in it
    return configuration


def prepare() -> None:
    """Create PostgreSQL's roles, databases and tables, which all other containers need."""
    from headrace.systems.endpoint import Endpoint
    from headrace.systems.platform.hook import PlatformHook
    from include.shop.schema import apply_schema
    from include.stack import databases, settings

    s = settings.load()
    roles = {**databases.ROLES, "marquez": ("HEADRACE_PASSWORD_MARQUEZ", "", "marquez")}
    databases.make_roles(s, roles)
    apply_schema(databases.superuser_dsn(s, "oltp"), cdc_role="cdc", shop_role="shop")
    PlatformHook(Endpoint.from_url(databases.role_dsn(s, "headrace_platform"))).migrate()
    databases.let_lineage_in(s)


def kafka_users() -> None:
    """Create Kafka's users and permissions, which its clients need."""
    from include.stack import settings
    from include.stack.services import kafka

    kafka.make_users(settings.load())


def streams() -> None:
    """Replace this process by the supervisor of the streaming drivers."""
    configuration = write_configuration(FOLDER)
    os.execv(sys.executable, [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)])  # noqa: S606


def stream(group: str) -> None:
    """Replace this process by the driver of one group, with the applied contracts."""
    from headrace.systems.endpoint import Endpoint
    from headrace.systems.platform.applied import AppliedRecord
    from headrace.systems.platform.hook import PlatformHook

    index = FOLDER / f"{group}.applied.json"
    AppliedRecord(PlatformHook(Endpoint.from_url(os.environ["HEADRACE_PLATFORM_DSN"]))).write_index(index)
    ours = {ENVIRONMENT: str(index), "HEADRACE_STREAM_CHECKPOINTS": str(CHECKPOINTS / group)}
    driver = ROOT / "include" / "spark" / "streaming" / "driver.py"
    os.execve(sys.executable, [sys.executable, str(driver), "--group", group], os.environ | ours)  # noqa: S606


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["prepare"]:
            prepare()
        case ["kafka-users"]:
            kafka_users()
        case ["streams"]:
            streams()
        case ["stream", name]:
            stream(name)
        case _:
            sys.exit(str(__doc__))
