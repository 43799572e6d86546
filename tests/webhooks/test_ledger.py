from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from chains.draft import Abstention, AbstentionReason, Draft, Passage, Statement, Warning
from connector.ticket import Event, EventKind, NoteRef
from webhooks.entry import Entry, State
from webhooks.ledger import Ledger

pytestmark = pytest.mark.server

EVENT = Event("mairie", ticket="12", message="34")
PASSAGE = Passage(
    "F1342#2", "F1342", "Livret de famille", ("Perte",), "En cas de perte…", "https://x.example/F1342", date(2020, 1, 2)
)
DRAFT = Draft(
    (Statement("Vous avez 15 jours.", (0,), (Warning.UNSUPPORTED_FIGURE,), ("15 jours",)),), (PASSAGE,), "fr", "m", "v1"
)

Pool = ConnectionPool[psycopg.Connection[Any]]


def jobs_of(pool: Pool) -> list[Any]:
    with pool.connection() as connection:
        return connection.execute("SELECT args->>'key', lock, queueing_lock FROM procrastinate_jobs").fetchall()


def test_an_event_is_kept_with_its_job(ledger: Ledger, pool: Pool) -> None:
    assert ledger.accept(EVENT)
    assert jobs_of(pool) == [("mairie:34:message", "mairie:12", None)]


def test_a_repeat_changes_nothing(ledger: Ledger, pool: Pool) -> None:
    ledger.accept(EVENT)
    assert not ledger.accept(Event("mairie", ticket="99", message="34", delivery="other"))
    assert len(jobs_of(pool)) == 1


def test_without_its_job_an_event_is_not_kept(ledger: Ledger, pool: Pool) -> None:
    with pool.connection() as connection:
        connection.execute("ALTER TABLE procrastinate_jobs ADD CHECK (queue_name <> 'drafts')")
    with pytest.raises(psycopg.errors.CheckViolation):
        ledger.accept(EVENT)
    assert ledger.entry(EVENT.key) is None


NOW = datetime.now(UTC)
ENTRY_BEFORE = Entry("k", "mairie", "12", "1", EventKind.MESSAGE, State.ACCEPTED, None, None, 0, None, 0, NOW, None)
ABSTENTION = Abstention(AbstentionReason.NO_SOURCE, (PASSAGE,), "fr")


def test_a_draft_that_is_forgotten_is_made_again(ledger: Ledger) -> None:
    ledger.accept(EVENT)
    ledger.save_answer(EVENT.key, ABSTENTION)
    ledger.forget_answer(EVENT.key)
    entry = ledger.entry(EVENT.key)
    assert entry is not None
    assert (entry.state, entry.reason, ledger.answer(EVENT.key)) == (State.ACCEPTED, None, None)
    assert ledger.save_answer(EVENT.key, DRAFT) == DRAFT


@pytest.mark.parametrize("answer", [DRAFT, ABSTENTION])
def test_an_answer_comes_back_as_it_was_saved(ledger: Ledger, answer: Draft | Abstention) -> None:
    ledger.accept(EVENT)
    ledger.save_answer(EVENT.key, answer)
    assert ledger.answer(EVENT.key) == answer


def test_the_first_answer_stays(ledger: Ledger) -> None:
    ledger.accept(EVENT)
    assert ledger.save_answer(EVENT.key, DRAFT) == DRAFT
    assert ledger.save_answer(EVENT.key, ABSTENTION) == DRAFT


def entry_of(ledger: Ledger) -> Entry:
    found = ledger.entry(EVENT.key)
    assert found is not None
    return found


def test_a_worker_that_wakes_too_late_changes_nothing(ledger: Ledger) -> None:
    ledger.accept(EVENT)
    ledger.posted(entry_of(ledger), NoteRef("77", datetime.now(UTC)))
    ledger.bury(EVENT.key, "late")
    ledger.skip(entry_of(ledger), "late")
    ledger.save_answer(EVENT.key, DRAFT)
    ledger.failed(EVENT.key, "late", outage=False)
    assert (entry_of(ledger).state, entry_of(ledger).reason, entry_of(ledger).failures) == (State.POSTED, None, 0)


def test_the_reason_of_an_abstention_survives_a_failure_to_post(ledger: Ledger) -> None:
    ledger.accept(EVENT)
    ledger.save_answer(EVENT.key, ABSTENTION)
    ledger.failed(EVENT.key, "away", outage=True)
    ledger.posted(entry_of(ledger), NoteRef("77", datetime.now(UTC)))
    assert entry_of(ledger).reason == "no_source"


def test_neither_a_success_nor_a_pause_counts_as_time_of_an_outage(ledger: Ledger) -> None:
    ledger.accept(EVENT)
    ledger.failed(EVENT.key, "the model is away", outage=True)
    ledger.save_answer(EVENT.key, DRAFT)
    assert entry_of(ledger).failing_since is None
    ledger.failed(EVENT.key, "the helpdesk is away", outage=True)
    ledger.resume()
    assert entry_of(ledger).failing_since is None


def test_a_lock_that_is_not_had_leaves_its_connection_as_it_was(
    ledger: Ledger, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhooks.ledger.LOCK_TIMEOUT", timedelta(seconds=1))
    ledger.accept(EVENT)
    refused = pytest.raises(psycopg.errors.LockNotAvailable)
    with ledger.ticket_lock(entry_of(ledger)), refused, ledger.ticket_lock(entry_of(ledger)):
        pytest.fail("it was had twice")
    with pool.connection() as one, pool.connection() as other:
        settings = [c.execute("SHOW lock_timeout").fetchone() for c in (one, other)]
    assert settings == [("0",), ("0",)]


def test_a_posted_message_is_closed(ledger: Ledger) -> None:
    ledger.accept(EVENT)
    entry = ledger.entry(EVENT.key)
    assert entry is not None
    ledger.posted(entry, NoteRef("77", datetime.now(UTC)))
    closed = ledger.entry(EVENT.key)
    assert closed is not None
    assert (closed.state, closed.is_open) == (State.POSTED, False)


def test_an_open_message_without_a_job_is_an_orphan(ledger: Ledger, pool: Pool) -> None:
    ledger.accept(EVENT)
    assert ledger.orphans() == []
    with pool.connection() as connection:
        connection.execute("UPDATE procrastinate_jobs SET status = 'failed'")
    assert [entry.key for entry in ledger.orphans()] == [EVENT.key]


def test_a_pause_keeps_orphans_waiting_until_it_ends(ledger: Ledger, pool: Pool) -> None:
    ledger.accept(EVENT)
    with pool.connection() as connection:
        connection.execute("DELETE FROM procrastinate_jobs")
    ledger.pause("revoked", "mairie")
    assert ledger.is_paused("mairie")
    assert not ledger.is_paused("other")
    assert ledger.orphans() == []
    ledger.resume()
    assert len(ledger.orphans()) == 1


def test_the_first_start_is_decided_once(ledger: Ledger) -> None:
    assert ledger.first_start("mairie") == ledger.first_start("mairie")


def test_a_ticket_is_held_by_one_at_a_time(ledger: Ledger) -> None:
    ledger.accept(EVENT)
    entry = ledger.entry(EVENT.key)
    assert entry is not None
    order: list[str] = []

    def second() -> None:
        with ledger.ticket_lock(entry):
            order.append("second")

    with ledger.ticket_lock(entry):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_outages_are_not_counted_as_failures(ledger: Ledger) -> None:
    ledger.accept(EVENT)
    ledger.failed(EVENT.key, "away", outage=True)
    entry = ledger.failed(EVENT.key, "broken", outage=False)
    assert entry is not None
    assert (entry.failures, entry.last_error) == (1, "broken")


@pytest.mark.parametrize("reason", ["gone", "group_not_covered", "group_off", "ticket_merged"])
def test_what_was_skipped_for_its_place_is_taken_up_where_it_stands_now(
    ledger: Ledger, pool: Pool, reason: str
) -> None:
    ledger.accept(EVENT)
    ledger.skip(entry_of(ledger), reason)
    assert ledger.reconsider(replace(EVENT, ticket="99"))
    assert (entry_of(ledger).state, entry_of(ledger).ticket, entry_of(ledger).reason) == (State.ACCEPTED, "99", None)
    assert jobs_of(pool)[-1][1] == "mairie:99"


def test_what_was_skipped_for_itself_or_has_its_note_is_not_taken_up_again(ledger: Ledger, pool: Pool) -> None:
    ledger.accept(EVENT)
    ledger.skip(entry_of(ledger), "automatic")
    assert not ledger.reconsider(replace(EVENT, ticket="99"))
    ledger.posted(entry_of(ledger), NoteRef("77", datetime.now(UTC)))
    assert not ledger.reconsider(replace(EVENT, ticket="99"))
    assert len(jobs_of(pool)) == 1


def test_what_was_judged_in_a_ticket_that_it_has_left_is_not_skipped(ledger: Ledger) -> None:
    ledger.accept(EVENT)
    before = entry_of(ledger)
    ledger.reconsider(replace(EVENT, ticket="99"))
    assert not ledger.skip(before, "gone")
    assert entry_of(ledger).is_open


def test_a_message_that_waits_is_told_of_its_new_ticket(ledger: Ledger, pool: Pool) -> None:
    ledger.accept(EVENT)
    assert not ledger.reconsider(replace(EVENT, ticket="99"))
    assert (entry_of(ledger).ticket, len(jobs_of(pool))) == ("99", 1)


def test_the_dead_are_tried_again_with_the_answer_that_they_had(ledger: Ledger, pool: Pool) -> None:
    other = replace(EVENT, message="35")
    for event in (EVENT, other):
        ledger.accept(event)
    ledger.save_answer(EVENT.key, DRAFT)
    ledger.bury(EVENT.key, "broken")
    ledger.bury(other.key, "broken")
    assert sorted(ledger.revive()) == [EVENT.key, other.key]
    assert entry_of(ledger).state == State.DRAFTED
    assert ledger.counts()["accepted"] == 1
    assert len(jobs_of(pool)) == 4


def test_one_event_is_tried_again_by_its_key_unless_it_has_its_note(ledger: Ledger) -> None:
    ledger.accept(EVENT)
    assert ledger.revive(EVENT.key) == []
    ledger.skip(entry_of(ledger), "ticket_closed")
    assert ledger.revive(EVENT.key) == [EVENT.key]
    ledger.posted(entry_of(ledger), NoteRef("77", datetime.now(UTC)))
    assert ledger.revive(EVENT.key) == []


def test_the_draft_before_is_the_last_of_the_same_ticket_that_has_its_note(ledger: Ledger) -> None:
    assert ledger.previous(ENTRY_BEFORE) is None
    for message in ("34", "35"):
        event = replace(EVENT, message=message)
        ledger.accept(event)
        ledger.save_answer(event.key, DRAFT)
        ledger.posted(replace(ENTRY_BEFORE, key=event.key), NoteRef(message, datetime.now(UTC)))
    found = ledger.previous(replace(ENTRY_BEFORE, key="mairie:36:message"))
    assert found is not None
    assert (found[0].key, found[1]) == ("mairie:35:message", DRAFT)
    assert ledger.previous(replace(ENTRY_BEFORE, ticket="13")) is None
