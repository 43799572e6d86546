"""Greffier's own time for a draft: what passes in `Worker.handle` without model, embedding and network.

One draft after the other in this process, with the real line, ledger, index and clients. Taken off are the calls of the
chat model and of the embedder, and what the sockets of Python take for the helpdesk. PostgreSQL speaks through libpq,
whose sockets are not Python's: its time stays in, and is told apart. So do LangChain around the calls, and HTTP and
JSON of the helpdesk. How much more it is with what the clients of model and embedder do themselves, the events of the
model's stream above all, is a row of its own.
"""

from __future__ import annotations

import gc
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from langchain_openai import ChatOpenAI

from chains.model import PrefixedEmbeddings
from tests.bench.figures import Result, Target, percentile, spread
from tests.bench.place import NAME, place
from webhooks import memory, wiring
from webhooks.ledger import Ledger
from webhooks.metrics import Drafting

_SOCKETS = (socket.socket, ("connect", "send", "sendall", "recv", "recv_into"))
TARGET = 30.0  # milliseconds


@dataclass(slots=True)
class Clock:
    """Seconds spent in some functions since it was last read."""

    seconds: float = 0.0
    running: bool = False

    def read(self) -> float:
        """The seconds, from which on it begins anew."""
        seconds, self.seconds = self.seconds, 0.0
        return seconds

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, whose time is counted, unless another is counted that called it."""

        def timed(*arguments: Any, **named: Any) -> Any:
            if self.running:
                return function(*arguments, **named)
            began, self.running = time.perf_counter(), True
            try:
                return function(*arguments, **named)
            finally:
                self.seconds += time.perf_counter() - began
                self.running = False

        return timed


@contextmanager
def watched(*methods: tuple[type, tuple[str, ...]]) -> Iterator[Clock]:
    """Count the time in those methods of those classes; one thread alone may call them."""
    clock, before = Clock(), [(kind, name, vars(kind).get(name)) for kind, names in methods for name in names]
    for kind, name, _ in before:
        setattr(kind, name, clock.timed(getattr(kind, name)))
    try:
        yield clock
    finally:
        for kind, name, method in before:
            setattr(kind, name, method) if method else delattr(kind, name)


@dataclass(frozen=True, slots=True)
class Draft:
    """Milliseconds of one draft."""

    own: float
    database: float
    with_clients: float
    processor: float


def measure(server: str, *, drafts: int = 200, warm: int = 20) -> Result:
    """Draft so many messages, after some that are not counted."""
    with (
        place(server, tickets=drafts + warm, slots=1, latency=0) as here,
        watched(_SOCKETS) as network,
        watched(_SOCKETS, (ChatOpenAI, ("invoke",)), (PrefixedEmbeddings, ("embed_query",))) as outside,
        watched((psycopg.Connection, ("wait",))) as database,
    ):
        desks = wiring.desks(here.settings, Ledger(here.pool))
        worker = wiring.worker(here.settings, here.pool, desks, Drafting())
        here.accept(range(1, drafts + warm + 1))
        keys = [f"{NAME}:{number}:message" for number in range(1, drafts + warm + 1)]
        with _settled():
            taken = [_draft(worker.handle, key, network, outside, database) for key in keys][warm:]
        assert here.count() == len(keys), "each message has its draft"
    rows = (
        _row("own time", [draft.own for draft in taken]),
        _row("... of it waiting for PostgreSQL", [draft.database for draft in taken]),
        _row("own time, and that of the clients of model and embedder", [draft.with_clients for draft in taken]),
        _row("processor time of the thread, all included", [draft.processor for draft in taken]),
    )
    how = f"{drafts} drafts one after the other, after {warm} that are not counted; milliseconds a draft."
    own = statistics.median(draft.own for draft in taken)
    return Result("Own time of a draft", how, rows, (Target("own time", own, TARGET, " ms"),))


@contextmanager
def _settled() -> Iterator[None]:
    """The collector as in the worker."""
    before = gc.get_threshold()
    memory.settle()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def _draft(
    handle: Callable[[str, int], float | None], key: str, network: Clock, outside: Clock, database: Clock
) -> Draft:
    network.read(), outside.read(), database.read()
    began, processor = time.perf_counter(), time.thread_time()
    handle(key, 0)
    all_of_it = time.perf_counter() - began
    own, with_clients = all_of_it - outside.read(), all_of_it - network.read()
    seconds = (own, database.read(), with_clients, time.thread_time() - processor)
    return Draft(*(1000 * part for part in seconds))


def _row(what: str, values: list[float]) -> dict[str, str | float]:
    return {
        "ms a draft": what,
        "median": statistics.median(values),
        "p95": percentile(values, 95),
        "spread": spread(values),
    }
