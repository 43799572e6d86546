"""How much of a model server Greffier keeps busy: drafts a second as a share of what its slots could give.

A server with S slots whose answers take L seconds gives S/L answers a second at best. A worker of concurrency S drafts
a backlog; what S slots give at a time is a wave. Counted are the drafts from the end of the first wave to the end of
the last but one: the start is left out, and the slots are never without work until the count ends.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.figures import Result, Target
from tests.bench.place import Place, place

TARGET = 0.95
_LEFT = 2  # waves of the backlog that are there when the count ends


@dataclass(frozen=True, slots=True)
class Load:
    """A model server, and for how many waves it is counted."""

    slots: int
    latency: float
    """Seconds of an answer."""
    waves: int


LOADS = (Load(1, 1, 30), Load(8, 2, 12), Load(32, 8, 6))
SHORT = (Load(4, 0.5, 4),)


def measure(server: str, loads: Sequence[Load] = LOADS) -> Result:
    """Draft a backlog under each of those loads."""
    rows = tuple(_row(server, load) for load in loads)
    how = (
        "A backlog, a worker whose concurrency is the number of slots, a model server in another process. Steady state:"
        " from the end of the first wave of drafts to the end of the last that is counted, with work left after it."
    )
    targets = tuple(
        Target(f"{load.slots} slots of {load.latency:g} s", float(row["share of S/L"]), TARGET, at_least=True)
        for load, row in zip(loads, rows, strict=True)
    )
    return Result("Saturation of the model server", how, rows, targets)


def _row(server: str, load: Load) -> dict[str, str | float]:
    counted = load.slots * load.waves
    tickets = counted + load.slots * (1 + _LEFT)
    latency, concurrency = load.latency, load.slots
    with place(server, tickets=tickets, slots=load.slots, latency=latency, concurrency=concurrency) as here:
        here.accept(range(1, tickets + 1))
        worker = here.start_worker()
        _wait(here, load.slots)
        before = sum(worker.cpu_times()[:2])
        _wait(here, load.slots + counted)
        processor = sum(worker.cpu_times()[:2]) - before
        seconds = _seconds(here, load.slots, counted)
    rate, best = counted / seconds, load.slots / load.latency
    return {
        "slots S": str(load.slots),
        "latency L": f"{load.latency:g} s",
        "S/L": best,
        "drafts/s": rate,
        "share of S/L": rate / best,
        "drafts counted": str(counted),
        "worker's processor ms a draft": 1000 * processor / counted,
    }


def _wait(here: Place, drafts: int) -> None:
    while here.count() < drafts:
        here.processes.require_alive()
        time.sleep(0.05)


def _seconds(here: Place, first: int, counted: int) -> float:
    """From the draft before the counted ones to the last of them, by the database's clock."""
    with here.pool.connection() as connection:
        rows = connection.execute("SELECT settled_at FROM inbox WHERE state = 'posted' ORDER BY settled_at").fetchall()
    moments = [moment for (moment,) in rows]
    return float((moments[first + counted - 1] - moments[first - 1]).total_seconds())
