"""Each step of a message's way, on a real ledger, with the sandbox for a helpdesk and the scripted model server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from chains.draft import Abstention, AbstentionReason
from connector.errors import ConfigurationError, RemoteError
from connector.ticket import Event, EventKind
from tests.webhooks.work import Work
from webhooks.demo.model_answers import Fault
from webhooks.entry import Entry, State
from webhooks.logs import Text
from webhooks.worker import ATTEMPTS, DEATHS, LONGEST_PAUSE, OUTAGE, pause_after


@pytest.mark.server
def test_a_message_ends_with_one_note_that_wakes_nobody(line: Work) -> None:
    ticket, key = line.message()
    line.sandbox.store.notifications.clear()
    assert line.worker.handle(key, 0) is None
    (note,) = line.sandbox.notes(ticket)
    assert line.entry(key).state == State.POSTED
    assert line.entry(key).reference in note.body
    assert line.sandbox.store.notifications == []


@pytest.mark.server
def test_a_message_that_is_done_is_not_done_again(line: Work) -> None:
    ticket, key = line.message()
    for _ in range(3):
        line.worker.handle(key, 0)
    assert len(line.sandbox.notes(ticket)) == 1


@pytest.mark.server
def test_a_note_whose_answer_was_lost_is_found_again(line: Work) -> None:
    ticket, key = line.message()
    line.sandbox.faults.lost_answers = 1
    line.worker.handle(key, 0)
    assert line.entry(key).state == State.POSTED
    assert len(line.sandbox.notes(ticket)) == 1


@pytest.mark.server
def test_a_note_that_was_written_before_a_crash_is_recorded_even_if_an_agent_has_answered_since(line: Work) -> None:
    ticket, key = line.message()
    line.worker.handle(key, 0)
    line.greffier.execute("UPDATE inbox SET state = 'drafted', settled_at = NULL")  # as if it had died before
    line.sandbox.reply_as_agent(ticket, "Bonjour, un mois.")
    line.worker.handle(key, 1)
    assert (line.entry(key).state, len(line.sandbox.notes(ticket))) == (State.POSTED, 1)


@pytest.mark.server
def test_an_error_that_nobody_foresaw_is_logged_without_its_message(
    line: Work, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(question: object) -> None:
        raise ValueError("a citizen's words")

    _, key = line.message()
    caplog.handler.setFormatter(Text())
    monkeypatch.setattr(line.worker._line, "_draft", fail)
    assert line.worker.handle(key, 0) is not None
    assert line.entry(key).last_error == "ValueError in Greffier, see the log"
    assert "in fail" in caplog.text
    assert "a citizen's words" not in caplog.text.replace('raise ValueError("a citizen\'s words")', "")


@pytest.mark.server
def test_a_draft_is_committed_before_it_is_posted_and_not_paid_twice(
    line: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise RemoteError("the helpdesk is away", permanent=False)

    ticket, key = line.message()
    line.greffier.models.requests.clear()
    with monkeypatch.context() as patch:
        patch.setattr(line.worker._line, "_post", away)
        assert line.worker.handle(key, 0) is not None
    assert line.entry(key).state == State.DRAFTED
    line.worker.handle(key, 1)
    line.worker.handle(key, 2)
    chats = [request for request in line.greffier.models.requests if request.path.endswith("/chat/completions")]
    assert (len(chats), len(line.sandbox.notes(ticket))) == (1, 1)


@pytest.mark.server
@pytest.mark.parametrize("tokens", ["revoked", "disabled"])
def test_a_refused_token_pauses_its_helpdesk_and_burns_no_attempt(
    line: Work, tokens: Literal["revoked", "disabled"]
) -> None:
    ticket, key = line.message()
    line.sandbox.faults.tokens = tokens
    assert line.worker.handle(key, 0) is None
    assert line.entry(key).is_open
    assert "sandbox" in line.ledger.pauses()
    line.sandbox.faults.tokens = "valid"
    line.ledger.resume()
    line.worker.handle(key, 0)
    assert len(line.sandbox.notes(ticket)) == 1


@pytest.mark.server
def test_a_group_that_is_off_gets_no_note(line: Work) -> None:
    ticket, key = line.message("Urbanisme")
    line.worker.handle(key, 0)
    assert (line.entry(key).state, line.entry(key).reason) == (State.SKIPPED, "group_off")
    assert line.sandbox.notes(ticket) == []


@pytest.mark.server
def test_an_answer_that_comes_between_the_draft_and_its_note_keeps_the_note_back(line: Work) -> None:
    ticket, key = line.message()
    line.ledger.save_answer(key, Abstention(AbstentionReason.NO_SOURCE, (), "fr"))
    line.sandbox.reply_as_agent(ticket, "Bonjour, un mois.")
    line.worker.handle(key, 1)
    assert (line.entry(key).state, line.entry(key).reason) == (State.SKIPPED, "answered")
    assert line.sandbox.notes(ticket) == []


@pytest.mark.server
def test_an_answered_message_is_skipped_with_its_reason(line: Work) -> None:
    ticket, key = line.message()
    line.sandbox.reply_as_agent(ticket, "Bonjour, un mois.")
    line.worker.handle(key, 0)
    assert (line.entry(key).state, line.entry(key).reason) == (State.SKIPPED, "answered")


@pytest.mark.server
def test_while_paused_a_message_waits_and_loses_nothing(line: Work) -> None:
    ticket, key = line.message()
    line.ledger.pause("by an admin")
    assert line.worker.handle(key, 0) is None
    assert (line.entry(key).state, line.sandbox.notes(ticket)) == (State.ACCEPTED, [])


@pytest.mark.server
@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.REFUSED])
def test_a_faulty_model_server_means_a_draft_later_and_never_its_words_in_a_note(line: Work, fault: Fault) -> None:
    ticket, key = line.message()
    line.greffier.models.script = replace(line.greffier.models.script, fault=fault)
    pause = line.worker.handle(key, 0)
    assert line.sandbox.notes(ticket) == []
    assert pause is not None
    assert line.entry(key).last_error
    line.greffier.models.script = replace(line.greffier.models.script, fault=None)
    line.worker.handle(key, 1)
    assert line.entry(key).state == State.POSTED


@pytest.mark.server
def test_a_refused_prompt_is_given_up_without_the_servers_words(line: Work) -> None:
    ticket, key = line.message()
    line.greffier.models.script = replace(line.greffier.models.script, fault=Fault.REFUSED)
    assert line.worker.handle(key, 0) is None
    assert line.sandbox.notes(ticket) == []
    assert line.entry(key).reason == "[chat] base_url: it was refused (HTTP 400)"


@pytest.mark.server
@pytest.mark.parametrize("change", [{"models": ("another",)}, {"key": "wanted"}], ids=["unknown model", "wrong key"])
def test_a_model_server_that_is_set_up_wrongly_is_waited_for(line: Work, change: dict[str, object]) -> None:
    _, key = line.message()
    good = line.greffier.models.script
    line.greffier.models.script = replace(good, **change)  # type: ignore[arg-type]
    assert line.worker.handle(key, 0) is not None
    assert "[embeddings]" in (line.entry(key).last_error or "")  # the same server, asked first
    line.greffier.models.script = good
    line.worker.handle(key, 1)
    assert line.entry(key).state == State.POSTED


@pytest.mark.server
def test_an_answer_that_stays_unreadable_ends_in_the_ledger_with_a_reason(line: Work) -> None:
    ticket, key = line.message()
    line.greffier.models.script = replace(line.greffier.models.script, text="<html>Bad gateway</html>")
    pauses = [line.worker.handle(key, attempt) for attempt in range(ATTEMPTS)]
    assert [pause is None for pause in pauses] == [False, False, True]
    assert (line.entry(key).state, line.sandbox.notes(ticket)) == (State.DEAD, [])
    assert "Bad gateway" not in (line.entry(key).reason or "")


@pytest.mark.server
def test_a_message_of_a_helpdesk_no_longer_configured_is_given_up_by_name(line: Work) -> None:
    event = Event("removed", "1", "1")
    line.ledger.accept(event)
    line.worker.handle(event.key, 0)
    assert "removed" in (line.entry(event.key).reason or "")


@pytest.mark.server
def test_a_message_that_kills_its_workers_is_given_up(line: Work) -> None:
    _, key = line.message()
    assert [line.worker.may_live(key) for _ in range(DEATHS + 1)] == [True] * DEATHS + [False]
    assert line.entry(key).state == State.DEAD


ENTRY = Entry(
    "k", "h", "1", "2", EventKind.MESSAGE, State.ACCEPTED, None, None, 1, datetime.now(UTC), 0, datetime.now(UTC), None
)
AWAY = RemoteError("away", permanent=False)


def test_pauses_grow_to_a_quarter_of_an_hour_and_no_longer() -> None:
    pauses = [pause_after(AWAY, ENTRY, attempts) or 0 for attempts in (0, 3, 50)]
    assert pauses == sorted(pauses)
    assert pauses[-1] <= LONGEST_PAUSE * 1.2


def test_a_neighbour_that_asks_for_a_pause_gets_it() -> None:
    assert pause_after(RemoteError("busy", permanent=False, retry_after=300), ENTRY, 0) == 300


@pytest.mark.parametrize("asked", [999_999_999, float("inf")])
def test_a_neighbour_cannot_ask_for_more_than_the_longest_pause(asked: float) -> None:
    assert pause_after(RemoteError("busy", permanent=False, retry_after=asked), ENTRY, 0) == LONGEST_PAUSE


def test_an_outage_of_more_than_a_day_is_given_up() -> None:
    since = datetime.now(UTC) - OUTAGE - timedelta(minutes=1)
    assert pause_after(AWAY, replace(ENTRY, failing_since=since), 90) is None


def test_a_wrong_setting_is_waited_out_like_an_outage() -> None:
    assert pause_after(ConfigurationError("no index"), replace(ENTRY, failures=50), 50) is not None


def test_what_waiting_cannot_mend_is_given_up_at_once() -> None:
    assert pause_after(RemoteError("gone", permanent=True), ENTRY, 0) is None


def test_any_other_error_gets_three_attempts() -> None:
    given = [pause_after(ValueError(), replace(ENTRY, failures=failures), 0) for failures in (1, 2, 3)]
    assert [pause is None for pause in given] == [False, False, True]
