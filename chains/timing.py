"""How long the steps of a chain take: told by LangChain's callbacks, so that no step knows that it is timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler

from chains.steps import LEVERS

_FUNCTIONS = {"checks": "check"} | {name: name for name in LEVERS}
"""The steps that are plain functions, by the name of their run."""


class Stopwatch(BaseCallbackHandler):
    """Given to `invoke` among the config's `callbacks`.

    It tells `took` a step's name (`translate`, `retrieve`, `rewrite`, `rerank`, `judge`, `model`, `check`) and its
    seconds at the step's end, also where it failed; `retrieve` has those of the next three too. `fell_back` is told the
    name of a lever that was of no use. One may serve several runs at once.
    """

    def __init__(self, took: Callable[[str, float], None], fell_back: Callable[[str], None] = lambda _: None) -> None:
        self._took = took
        self._fell_back = fell_back
        self._running: dict[UUID, tuple[str, float]] = {}

    def on_retriever_start(self, *arguments: Any, run_id: UUID, **named: Any) -> None:
        self._running[run_id] = ("retrieve", time.perf_counter())

    def on_chat_model_start(
        self, *arguments: Any, run_id: UUID, parent_run_id: UUID | None = None, **named: Any
    ) -> None:
        if parent_run_id not in self._running:  # else it is asked by a lever, which has a time of its own
            self._running[run_id] = ("model", time.perf_counter())

    def on_chain_start(self, *arguments: Any, run_id: UUID, name: str | None = None, **named: Any) -> None:
        if name in _FUNCTIONS:
            self._running[run_id] = (_FUNCTIONS[name], time.perf_counter())

    def on_chain_error(self, *arguments: Any, run_id: UUID, **named: Any) -> None:
        step, _ = self._running.get(run_id, ("", 0.0))
        if step in LEVERS:
            self._fell_back(step)
        self._end(run_id=run_id)

    def _end(self, *arguments: Any, run_id: UUID, **named: Any) -> None:
        if run_id in self._running:
            step, began = self._running.pop(run_id)
            self._took(step, time.perf_counter() - began)

    on_retriever_end = on_retriever_error = _end
    on_llm_end = on_llm_error = _end
    on_chain_end = _end
