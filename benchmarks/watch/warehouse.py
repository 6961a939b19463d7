"""A reader of the warehouse that asks for the newest changes, in short bursts, over one kept connection.

A row counts as visible when the answer that first holds it has been read: later than it became visible by at most
the time since the last answer. Between two bursts nothing is asked, so that the reader takes little of the machine; what
became visible meanwhile is not recorded.
"""

from __future__ import annotations

import base64
import http.client
import struct
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.watch.watcher import Seen, serve

ROW = struct.Struct("<iQ")


def watch(parameters: Mapping[str, Any], ready: Callable[[], None], stop: threading.Event) -> Seen:
    """`parameters`: host, port, user, password, table, where, every_s, burst_s, pause_s."""
    connection = http.client.HTTPConnection(parameters["host"], parameters["port"], timeout=30)
    token = base64.b64encode(f"{parameters['user']}:{parameters['password']}".encode()).decode()
    headers = {"Authorization": f"Basic {token}"}
    newest: dict[int, int] = {}
    at: dict[tuple[int, int], int] = {}
    polls: list[float] = []
    last: float | None = None
    burst_ends = time.monotonic() + parameters["burst_s"]
    ready()
    while not stop.is_set():
        if time.monotonic() > burst_ends:
            stop.wait(parameters["pause_s"])
            last, burst_ends = None, time.monotonic() + parameters["burst_s"]
        began = time.monotonic()
        connection.request("POST", "/", query(parameters["table"], parameters["where"], newest).encode(), headers)
        answer = connection.getresponse()
        body, now_us = answer.read(), time.time_ns() // 1000
        if answer.status != 200:
            raise RuntimeError(body.decode(errors="replace"))
        for partition, offset in ROW.iter_unpack(body):
            if last is not None:
                at.setdefault((partition, offset), now_us)
            newest[partition] = max(newest.get(partition, -1), offset)
        read = time.monotonic()
        if last is not None:
            polls.append(round((read - last) * 1000, 3))
        last = read
        time.sleep(max(0.0, parameters["every_s"] - (read - began)))
    return Seen(at, tuple(polls))


def query(table: str, where: str, newest: Mapping[int, int]) -> str:
    """Positions of the changes past those seen. `where` must be a prefix of the table's order to be cheap."""
    known = ", ".join(map(str, newest))
    places = [f"(_kafka_partition = {p} AND _offset > {o})" for p, o in newest.items()]
    past = " OR ".join([*places, f"_kafka_partition NOT IN ({known})"]) if places else "1"
    return f"SELECT _kafka_partition, _offset FROM {table} WHERE {where} AND ({past}) FORMAT RowBinary"


if __name__ == "__main__":
    serve(watch)
