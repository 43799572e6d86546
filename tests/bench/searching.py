"""How long a whole search takes, and each call of the store in it, without the embedding of the question."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from chains.retrieval import HybridRetriever
from chains.stores.store import Scope, Store
from tests.bench.figures import percentile
from tests.bench.grown import Asked

WHOLE, OWN = "a whole search", "... of it outside the store's calls"
_CALLS = ("search", "nearest", "middles", "rarities", "passages")
WARM = 20
"""Questions asked before the clock counts."""


class Call(NamedTuple):
    """A call of the store: what was asked of it, and when it began and ended (seconds)."""

    name: str
    began: float
    ended: float


class Watched:
    """The calls of a store since they were last taken; from any thread."""

    def __init__(self, store: Store) -> None:
        self._lock, self._calls = threading.Lock(), list[Call]()
        for name in _CALLS:
            setattr(store, name, self._timed(name, getattr(store, name)))

    def take(self) -> list[Call]:
        """The calls, from which on it begins anew."""
        with self._lock:
            calls, self._calls = self._calls, []
        return calls

    def _timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            what = f"{name}: {arguments[0].name.lower()}" if name == "search" else name
            began = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                with self._lock:
                    self._calls.append(Call(what, began, time.perf_counter()))

        return timed


def milliseconds(store: Store, questions: Sequence[str], vectors: Mapping[str, list[float]]) -> dict[str, list[float]]:
    """The milliseconds of each kind of call, and of the whole, question by question."""
    watched = Watched(store)
    retriever = HybridRetriever(store=store, embeddings=Asked(vectors))
    for question in questions[:WARM]:
        retriever.invoke(question)
    taken: dict[str, list[float]] = defaultdict(list)
    for question in questions:
        watched.take()
        began = time.perf_counter()
        retriever.invoke(question)
        whole = time.perf_counter() - began
        calls = watched.take()
        for call in calls:
            taken[call.name].append(1000 * (call.ended - call.began))
        taken[WHOLE].append(1000 * whole)
        taken[OWN].append(1000 * (whole - covered(calls)))
    return taken


def covered(calls: Sequence[Call]) -> float:
    """The seconds in which at least one call was going on."""
    seconds, end = 0.0, 0.0
    for call in sorted(calls, key=lambda call: call.began):
        seconds += max(0.0, call.ended - max(end, call.began))
        end = max(end, call.ended)
    return seconds


def rows(at: Mapping[int, Mapping[str, Sequence[float]]]) -> tuple[dict[str, str | float], ...]:
    """A row for each call, with its median and its 95th percentile at each number of passages."""
    names = [f"search: {scope.name.lower()}" for scope in Scope] + [*_CALLS[1:], WHOLE, OWN]
    return tuple(
        {"ms": name}
        | {
            f"{passages:,}: {how}": percentile(times[name], percent)
            for passages, times in at.items()
            for how, percent in (("p50", 50), ("p95", 95))
        }
        for name in names
    )
