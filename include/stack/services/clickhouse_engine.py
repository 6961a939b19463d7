"""Run the npm engine as a ClickHouse server: `python -m include.stack.services.clickhouse_engine CONFIG DATA`.

The engine exports clickhouse-local's main. `SYSTEM START LISTEN` (ClickHouse pull request 101143) opens the same HTTP
server as clickhouse-server has. An endless query keeps the process up; SIGINT cancels the query and stops it cleanly.

The native server is opened only if CONFIG has a port for it: a client with a wrong password there stops the engine.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import threading
from pathlib import Path

STACK_BYTES = 64 << 20  # the parser recurses deeper than a default thread allows
LISTEN = "SYSTEM START LISTEN HTTP; "
LISTEN_NATIVE = "SYSTEM START LISTEN TCP; "
STAY = (
    "SELECT sleepEachRow(1) FROM numbers(1000000000000) FORMAT Null SETTINGS max_block_size = 1, "
    "max_execution_time = 0, function_sleep_max_microseconds_per_block = 0"
)


def serve(config: Path, data: Path, library: Path) -> int:
    """Run until interrupted; return 0 after a clean stop, 1 when the engine reports an error."""
    data.mkdir(parents=True, exist_ok=True)
    # The engine re-creates its system tables and fails on existing ones with 57 TABLE_ALREADY_EXISTS.
    shutil.rmtree(data / "data" / "system", ignore_errors=True)
    shutil.rmtree(data / "metadata" / "system", ignore_errors=True)
    engine = ctypes.CDLL(str(library), mode=os.RTLD_NOW | os.RTLD_LOCAL)
    engine.chdb_query_cmdline.restype = ctypes.c_void_p
    engine.chdb_result_error.restype = ctypes.c_char_p
    engine.chdb_result_error.argtypes = [ctypes.c_void_p]
    script = LISTEN + (LISTEN_NATIVE if "<tcp_port>" in config.read_text() else "") + STAY
    arguments = ["clickhouse", "--config-file", str(config), "--path", str(data), "--query", script]
    errors: list[bytes] = []

    def main() -> None:
        argv = (ctypes.c_char_p * (len(arguments) + 1))(*[a.encode() for a in arguments], None)
        result = engine.chdb_query_cmdline(len(arguments), argv)
        if result and (error := engine.chdb_result_error(result)):
            errors.append(error)

    threading.stack_size(STACK_BYTES)
    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
    for error in errors:
        print(error.decode(errors="replace"), file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    # The engine leaves threads running; a normal exit would wait for them.
    code = serve(Path(sys.argv[1]), Path(sys.argv[2]), Path(os.environ["HEADRACE_LIBCHDB"]))
    sys.stdout.flush()
    os._exit(code)
