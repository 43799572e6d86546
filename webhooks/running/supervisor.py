"""Keeps processes running: started again after growing pauses when they end, and stopped together."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

log = logging.getLogger("greffier.run")

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds
STEADY = 60.0  # seconds after which an end is taken for the first of its kind
TICK = 0.2  # seconds between two looks


class StopSignals:
    """Counts the signals that ask us to stop, in place of dying of them. One that we were told to ignore stays so."""

    def __init__(self) -> None:
        self.count = 0
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._count)

    def _count(self, *_: object) -> None:
        self.count += 1


class Child:
    """A process that is to run always, unless it ends with the status `final`: to start it again is of no use then."""

    def __init__(self, name: str, start: Callable[[], subprocess.Popen[bytes]], final: int | None = None) -> None:
        self.name = name
        self.final = final
        self.process: subprocess.Popen[bytes] | None = None
        self._start = start
        self._began = self._due = 0.0
        self._quick_ends = 0

    def tend(self) -> int | None:
        """Start it if it is time for that. Its status if it has just ended (negative: the signal), None otherwise."""
        now = time.monotonic()
        if self.process is None:
            if now >= self._due:
                self.process, self._began = self._start(), now
            return None
        status = self.process.poll()
        if status is not None:
            _kill(self.process)  # its own children, which may hold its port
            self.process = None
            if status != self.final:
                self._plan(now, f"by signal {-status}" if status < 0 else f"with status {status}")
        return status

    def _plan(self, now: float, how: str) -> None:
        self._quick_ends = self._quick_ends + 1 if now - self._began < STEADY else 1
        pause = min(FIRST_PAUSE * 2.0 ** (self._quick_ends - 1), LONGEST_PAUSE)
        self._due = now + pause
        log.warning("%s: ended %s, again in %.0f s", self.name, how, pause)


def stop(children: Sequence[Child], number: signal.Signals, grace: float, hurry: Callable[[], bool]) -> None:
    """Ask them to stop; kill what is still there after `grace` seconds, or as soon as `hurry()`."""
    running = {child.name: child.process for child in children if child.process}
    for process in running.values():
        process.send_signal(number)
    end = time.monotonic() + grace
    while any(process.poll() is None for process in running.values()):
        if time.monotonic() > end or hurry():
            break
        time.sleep(TICK)
    for name, process in running.items():
        if process.poll() is None:
            log.warning("%s: killed, it did not stop in time", name)
        _kill(process)
        process.wait()


def _kill(leader: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a process and its children."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader.pid, signal.SIGKILL)
