"""Decide whether a stream group's Spark driver must be launched again, from its process state and heartbeats. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from headrace.systems.spark.host import Driver
from headrace.systems.spark.store import Pulse

Reason: TypeAlias = Literal["dead", "stalled", "query-down", "new-plan", "retired"]


class Verdict(NamedTuple):
    """Reason why the operator is needed, as a word and as a sentence."""

    reason: Reason
    text: str


def judge(
    driver: Driver, pulses: Sequence[Pulse], plan_version: str, *, running_s: float, grace_s: float, stall_s: float
) -> Verdict | None:
    """Return why the operator is needed; None while all is well.

    Args:
        driver: state of the driver, from its host.
        pulses: the last heartbeats of the group, also of an earlier driver.
        plan_version: version of the plan of the applied contracts.
        running_s: seconds since the launch.
        grace_s: seconds that a driver may take until its first heartbeat.
        stall_s: age in seconds above which a heartbeat means a hanging driver.
    """
    if not driver.alive:
        why = next((p.last_error for p in pulses if p.last_error), "")
        return Verdict("dead", f"the driver is {driver.state.lower()}" + (f"; last error: {why}" if why else ""))
    own = [p for p in pulses if p.age_s < running_s]
    if any(p.plan_version != plan_version for p in own):
        return Verdict("new-plan", f"the contracts need plan {plan_version}, the driver runs another one")
    for pulse in own:
        if pulse.state == "down":
            return Verdict("query-down", f"query {pulse.query} is down: {pulse.last_error}")
        if pulse.age_s > stall_s:
            return Verdict("stalled", f"query {pulse.query} sent no heartbeat for {pulse.age_s:.0f} s")
    if not own and running_s > grace_s:
        return Verdict("stalled", f"no heartbeat in the {running_s:.0f} s since the launch")
    return None
