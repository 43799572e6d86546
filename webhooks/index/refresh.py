"""Keeps the index fresh: what is due is read by a process of its own, so that drafts keep the worker to themselves.

Embedding may take hours on a processor, and analysing text holds Python's lock. The process is `greffier index --due`,
of low priority; it ends with us, and goes on where it was when we start again.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from webhooks.config.corpora import SourceSettings
from webhooks.index.state import States
from webhooks.running.child import spawn

log = logging.getLogger("greffier.index")

AGAIN_AFTER = 600.0
"""Seconds between the end of a run and the next, whatever is due."""
STOPS, TICK = 10.0, 0.5  # seconds


class Refresh:
    """Reads the sources that are due, unless somebody else indexes already."""

    def __init__(self, states: States, sources: Mapping[str, SourceSettings], config: Path | None) -> None:
        self._states, self._sources = states, sources
        options = ["--config", str(config)] if config else []
        self._command = [sys.executable, "-m", "webhooks", *options, "index", "--due"]
        self._not_before = 0.0

    def __call__(self, stopping: Callable[[], bool]) -> None:
        """Return when nothing is due, when the run has ended, or when we are stopping. Raises psycopg's errors."""
        if time.monotonic() < self._not_before or not self._states.due(self._sources):
            return
        with self._states.alone() as alone:
            if not alone:
                return
        process = spawn(self._command, when_orphaned=signal.SIGTERM)
        status = _wait(process, stopping)
        self._not_before = time.monotonic() + AGAIN_AFTER
        if status and not stopping():
            log.warning("`greffier index --due` ended with status %s, see above", status)


def _wait(process: subprocess.Popen[bytes], stopping: Callable[[], bool]) -> int:
    while process.poll() is None and not stopping():
        time.sleep(TICK)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOPS)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()
