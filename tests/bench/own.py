"""Greffier's own time for a draft: what passes in `Worker.handle` outside the network.

One draft after the other in this process, with the real line, ledger, index and clients. Of the time of a draft, what
the sockets of Python take is taken off: connecting to, sending to and waiting for the helpdesk, the chat model and the
embedder. PostgreSQL speaks through libpq, whose sockets are not Python's: its time stays in, and is told apart. So do
all that is done with what is sent and received: JSON, HTTP, the events of the model's stream.
"""

from __future__ import annotations

import socket
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.bench.figures import Result, Target, percentile, spread
from tests.bench.place import NAME, place
from webhooks import wiring
from webhooks.ledger import Ledger
from webhooks.metrics import Drafting

_NETWORK = ("connect", "send", "sendall", "recv", "recv_into")
TARGET = 30.0  # milliseconds


@dataclass(slots=True)
class Clock:
    """Seconds spent in some functions since it was last read."""

    seconds: float = 0.0

    def read(self) -> float:
        """The seconds, from which on it begins anew."""
        seconds, self.seconds = self.seconds, 0.0
        return seconds

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, whose time is counted."""

        def timed(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds += time.perf_counter() - began

        return timed


@contextmanager
def watched(kind: type, names: tuple[str, ...]) -> Iterator[Clock]:
    """Count the time in those methods, in every thread."""
    clock, own = Clock(), {name: vars(kind).get(name) for name in names}
    for name in names:
        setattr(kind, name, clock.timed(getattr(kind, name)))
    try:
        yield clock
    finally:
        for name, method in own.items():
            setattr(kind, name, method) if method else delattr(kind, name)


@dataclass(frozen=True, slots=True)
class Draft:
    """Milliseconds of one draft."""

    own: float
    database: float
    processor: float
    network: float


def measure(server: str, *, drafts: int = 200, warm: int = 20) -> Result:
    """Draft so many messages, after some that are not counted."""
    with (
        place(server, tickets=drafts + warm, slots=1, latency=0) as here,
        watched(socket.socket, _NETWORK) as network,
        watched(psycopg.Connection, ("wait",)) as database,
    ):
        desks = wiring.desks(here.settings, Ledger(here.pool))
        worker = wiring.worker(here.settings, here.pool, desks, Drafting())
        here.accept(range(1, drafts + warm + 1))
        keys = [f"{NAME}:{number}:message" for number in range(1, drafts + warm + 1)]
        taken = [_draft(worker.handle, key, network, database) for key in keys][warm:]
        assert here.count() == len(keys), "each message has its draft"
    rows = (
        _row("own time", [draft.own for draft in taken]),
        _row("... of it waiting for PostgreSQL", [draft.database for draft in taken]),
        _row("processor time of the thread", [draft.processor for draft in taken]),
        _row("network, model and embedder, taken off", [draft.network for draft in taken]),
    )
    how = f"{drafts} drafts one after the other, after {warm} that are not counted; milliseconds a draft."
    own = statistics.median(draft.own for draft in taken)
    return Result("Own time of a draft", how, rows, (Target("own time", own, TARGET, " ms"),))


def _draft(handle: Callable[[str, int], float | None], key: str, network: Clock, database: Clock) -> Draft:
    network.read(), database.read()
    began, processor = time.perf_counter(), time.thread_time()
    handle(key, 0)
    outside = network.read()
    own = time.perf_counter() - began - outside
    seconds = (own, database.read(), time.thread_time() - processor, outside)
    return Draft(*(1000 * part for part in seconds))


def _row(what: str, values: list[float]) -> dict[str, str | float]:
    return {
        "ms a draft": what,
        "median": statistics.median(values),
        "p95": percentile(values, 95),
        "spread": spread(values),
    }
