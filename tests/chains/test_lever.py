"""A step that the search can do without: bounded in time, left out while it fails, and never an error."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest
from langchain_core.callbacks import CallbackManager
from langchain_core.runnables import RunnableConfig

from chains import lever
from chains.lever import FAILURES, Lever
from chains.timing import Stopwatch
from connector.errors import RemoteError

SECRET = "Je m'appelle Camille Durand"


def steps(work: Callable[[str], str], budget: float = 5.0) -> Lever[str, str]:
    return Lever("rerank", lambda value, config: work(value), budget=budget, setting="[rerank] budget")


def broken(value: str) -> str:
    raise RemoteError("[rerank] base_url: the server cannot be reached", permanent=False)


def test_it_gives_what_the_work_gives() -> None:
    assert steps(str.upper)("a") == "A"


def test_a_failure_gives_nothing_and_is_logged_without_what_was_asked(caplog: pytest.LogCaptureFixture) -> None:
    def careless(value: str) -> str:
        raise ValueError(value)

    assert steps(broken)(SECRET) is None
    assert steps(careless)(SECRET) is None
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "cannot be reached" in caplog.text
    assert "Durand" not in caplog.text


def test_it_is_waited_for_no_longer_than_the_budget(caplog: pytest.LogCaptureFixture) -> None:
    end, ended = threading.Event(), threading.Event()

    def slowly(value: str) -> str:
        end.wait(60)
        ended.set()
        return value

    assert steps(slowly, budget=0.1)("a") is None
    assert not ended.is_set(), "the work goes on, and nobody waits for it"
    assert "[rerank] budget: no answer within 0.1 seconds" in caplog.text
    end.set()


def test_a_step_that_goes_on_failing_is_left_out_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    answers: list[Callable[[str], str]] = [broken] * FAILURES
    step = steps(lambda value: (asked.append(value) or answers.pop(0) if answers else str.upper)(value))
    for _ in range(FAILURES + 5):
        assert step("a") is None
    assert len(asked) == FAILURES

    monkeypatch.setattr(lever, "PAUSE", 0.0)
    step._resumes = 0.0  # the pause is over
    assert step("a") == "A"
    assert step("a") == "A"


def test_after_the_pause_one_attempt_looks_while_the_others_do_not_wait() -> None:
    asked: list[str] = []
    step = steps(lambda value: broken(asked.append(value) or value))
    for _ in range(FAILURES):
        step("a")
    step._resumes = 0.0
    assert [step("a"), step("a"), step("a")] == [None] * 3
    assert len(asked) == FAILURES + 1


def test_a_success_forgets_the_failures_before_it() -> None:
    answers = [broken, str.upper] * FAILURES
    step = steps(lambda value: answers.pop(0)(value))
    assert [step("a") for _ in range(2 * FAILURES)] == [None, "A"] * FAILURES


def test_an_outage_is_one_line_a_minute_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    step = steps(broken)
    for _ in range(20):
        step("a")
    assert len(caplog.records) == 1


def test_each_search_without_the_step_is_counted_and_each_attempt_timed() -> None:
    took: list[str] = []
    fell_back: list[str] = []
    watch = Stopwatch(lambda name, seconds: took.append(name), fell_back.append)
    callbacks = CallbackManager([watch])
    steps(str.upper)("a", callbacks)
    assert (took, fell_back) == (["rerank"], [])
    step = steps(broken)
    for _ in range(FAILURES + 2):
        step("a", callbacks)
    assert fell_back == ["rerank"] * (FAILURES + 2)


def test_what_runs_within_it_is_a_child_of_its_run() -> None:
    seen: list[RunnableConfig] = []
    step: Lever[str, str] = Lever("judge", lambda value, config: seen.append(config) or value, budget=5, setting="")
    step("a", CallbackManager([]))
    assert seen[0]["callbacks"].parent_run_id is not None  # type: ignore[union-attr]
