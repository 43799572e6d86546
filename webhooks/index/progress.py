"""How far a run is, for whoever waits: one line that changes on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import sys
import time
from typing import TextIO

ON_A_TERMINAL, ELSEWHERE = 0.2, 10.0
"""Seconds between two lines."""


class Teller:
    """Tells of one source after the other, each with a `chains.indexing.Progress` of its own, on stderr."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._every = ON_A_TERMINAL if self._live else ELSEWHERE
        self._told_at = time.monotonic()

    def of(self, name: str) -> OfSource:
        """What tells of that source."""
        return OfSource(name, self)

    def tell(self, line: str) -> None:
        """Write it, unless the last line was a moment ago. The cursor stays before it: what comes next covers it."""
        now = time.monotonic()
        if now - self._told_at >= self._every:
            self._told_at = now
            self._stream.write(f"\x1b[K{line}\r" if self._live else f"{line}\n")
            self._stream.flush()

    def clear(self) -> None:
        """Take the last line away."""
        if self._live:
            self._stream.write("\x1b[K")
            self._stream.flush()


class OfSource:
    """A `chains.indexing.Progress`."""

    def __init__(self, name: str, teller: Teller) -> None:
        self._name, self._teller = name, teller
        self._began: tuple[float, int] | None = None

    def __call__(self, what: str, done: int, total: int) -> None:
        if what == "reading":
            self._teller.tell(f"{self._name}: {done:,} documents read")
            return
        if what == "questions":
            self._teller.tell(f"{self._name}: {done:,} documents have their questions")
            return
        now = time.monotonic()
        began, before = self._began = self._began or (now, done)
        line = f"{self._name}: {done:,} passages have their vectors, {total - done:,} of all sources wait"
        if done > before:
            line += f", {_span((total - done) * (now - began) / (done - before))} left"
        self._teller.tell(line)


def _span(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"
