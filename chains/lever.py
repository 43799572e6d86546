"""A step of the search that asks a model and that the search can do without: bounded, and left out while it fails."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from langchain_core.callbacks import Callbacks
from langchain_core.runnables import RunnableConfig, RunnableLambda

from connector.errors import GreffierError, RemoteError

log = logging.getLogger("greffier.lever")

FAILURES, PAUSE = 3, 30.0
"""After that many failures in a row a step is left out for as many seconds; then one attempt tells how it is."""
BETWEEN_LINES = 60.0
"""Seconds between two lines in the log on one step."""
AT_ONCE = 64
"""Attempts of one step in progress: more than a worker has drafts, for those that were given up and have not ended."""

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class Lever(Generic[_In, _Out]):
    """Calls `work` in a thread and waits for `budget` seconds at most, however slowly the server drips.

    Whatever goes wrong is no error for the caller, who gets None and goes on without. Callbacks see a run of the
    step's name, one of `chains.steps.LEVERS`, that ends or fails. `work` must end by itself, in a time of that order;
    `setting` is what an admin would raise to give it more.
    """

    def __init__(self, name: str, work: Callable[[_In, RunnableConfig], _Out], *, budget: float, setting: str) -> None:
        self.name = name
        self._work = work
        self._budget = budget
        self._setting = setting
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix=f"greffier-{name}")
        self._step: RunnableLambda[_In, _Out] = RunnableLambda(self._attempt, name=name)
        self._lock = threading.Lock()
        self._failures = 0
        self._resumes = self._speaks = 0.0

    def __call__(self, value: _In, callbacks: Callbacks = None) -> _Out | None:
        """What the step gives for that value; None if it fails or is left out."""
        try:
            return self._step.invoke(value, {"callbacks": callbacks})
        except GreffierError as error:
            self._say(str(error))
        except Exception as error:  # its words may be the citizen's
            self._say(type(error).__name__)
        return None

    def _attempt(self, value: _In, config: RunnableConfig) -> _Out:
        self._enter()
        attempt = self._threads.submit(self._work, value, config)
        try:
            result = attempt.result(self._budget)
        except TimeoutError:
            attempt.cancel()
            self._failed()
            message = f"{self._setting}: no answer within {self._budget:g} seconds"
            raise RemoteError(message, permanent=False) from None
        except Exception:
            self._failed()
            raise
        self._failures = 0
        return result

    def _enter(self) -> None:
        """Raise RemoteError while the step is left out."""
        with self._lock:
            if self._failures < FAILURES:
                return
            now = time.monotonic()
            if now < self._resumes:
                raise RemoteError(f"left out after {self._failures} failures in a row", permanent=False)
            self._resumes = now + PAUSE  # this one attempt looks, others meanwhile do not wait

    def _failed(self) -> None:
        with self._lock:
            self._failures += 1
            self._resumes = time.monotonic() + PAUSE

    def _say(self, what: str) -> None:
        with self._lock:
            now = time.monotonic()
            if now < self._speaks:
                return
            self._speaks = now + BETWEEN_LINES
        log.warning("%s: the search goes on without it: %s", self.name, what)
