"""What the project's own image runs besides Airflow: `python -m include.stack.images.container COMMAND`.

prepare          roles, databases and tables in PostgreSQL, once; again changes nothing
streams          a supervisor that owns the streaming drivers; Airflow asks it over HTTP
stream GROUP     one driver (what that supervisor runs)
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from headrace.contracts.index import contracts_folder, load_index
from headrace.planning.streams import StreamPlan, stream_plans

ROOT = Path(__file__).parents[3]
CHECKPOINTS = Path("/checkpoints")
CONFIGURATION = Path("/tmp/streams.conf")  # noqa: S108 - the container's own, and it holds no secret
PORT = 9001

SUPERVISOR = f"""\
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile=/tmp/supervisord.pid

[inet_http_server]
port=0.0.0.0:{PORT}
username=headrace
password=%(ENV_HEADRACE_PASSWORD_STREAMS)s

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
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


def plans() -> dict[str, StreamPlan]:
    """Stream group → what its driver has to run, by the contracts in the image."""
    return stream_plans(load_index(contracts_folder(ROOT)).values())


def supervisor_configuration(groups: Iterable[str]) -> str:
    """supervisord's configuration: one program a group, which only Airflow starts. The password is not in it."""
    return SUPERVISOR + "".join(PROGRAM.format(group=g, python=sys.executable, root=ROOT) for g in groups)


def prepare() -> None:
    """Make what PostgreSQL must have before anything else can start."""
    from headrace.systems.endpoint import Endpoint
    from headrace.systems.platform.hook import PlatformHook
    from include.shop.schema import apply_schema
    from include.stack import databases, settings

    s = settings.load()
    roles = {**databases.ROLES, "marquez": ("HEADRACE_PASSWORD_MARQUEZ", "", "marquez")}
    databases.make_roles(s, roles)
    apply_schema(databases.superuser_dsn(s, "oltp"), cdc_role="cdc", shop_role="shop")
    PlatformHook(Endpoint.from_url(databases.role_dsn(s, "headrace_platform"))).migrate()


def streams() -> None:
    """Become the supervisor of the streaming drivers."""
    CONFIGURATION.write_text(supervisor_configuration(plans()))
    os.execv(sys.executable, [sys.executable, "-m", "supervisor.supervisord", "-c", str(CONFIGURATION)])  # noqa: S606


def stream(group: str) -> None:
    """Become the driver of one group, with today's plan."""
    ours = {"HEADRACE_PLAN_VERSION": plans()[group].version, "HEADRACE_STREAM_CHECKPOINTS": str(CHECKPOINTS / group)}
    driver = ROOT / "include" / "spark" / "streaming" / "driver.py"
    os.execve(sys.executable, [sys.executable, str(driver), "--group", group], os.environ | ours)  # noqa: S606


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["prepare"]:
            prepare()
        case ["streams"]:
            streams()
        case ["stream", name]:
            stream(name)
        case _:
            sys.exit(str(__doc__))
