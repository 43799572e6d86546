"""How long the steps of a chain take: told by LangChain's callbacks, so that no step knows that it is timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler

_NAMES = {"checks": "check"}
"""The steps that are plain functions, by the name of their run."""


class Stopwatch(BaseCallbackHandler):
    """Given to `invoke` among the config's `callbacks`. It tells `took` a step's name (`retrieve`, `model`, `check`)
    and its seconds at the step's end, also where it failed. One may serve several runs at once."""

    def __init__(self, took: Callable[[str, float], None]) -> None:
        self._took = took
        self._running: dict[UUID, tuple[str, float]] = {}

    def on_retriever_start(self, *arguments: Any, run_id: UUID, **named: Any) -> None:
        self._running[run_id] = ("retrieve", time.perf_counter())

    def on_chat_model_start(self, *arguments: Any, run_id: UUID, **named: Any) -> None:
        self._running[run_id] = ("model", time.perf_counter())

    def on_chain_start(self, *arguments: Any, run_id: UUID, name: str | None = None, **named: Any) -> None:
        if name in _NAMES:
            self._running[run_id] = (_NAMES[name], time.perf_counter())

    def _end(self, *arguments: Any, run_id: UUID, **named: Any) -> None:
        if run_id in self._running:
            step, began = self._running.pop(run_id)
            self._took(step, time.perf_counter() - began)

    on_retriever_end = on_retriever_error = _end
    on_llm_end = on_llm_error = _end
    on_chain_end = on_chain_error = _end
