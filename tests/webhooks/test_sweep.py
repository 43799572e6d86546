"""What no webhook told: lost deliveries, polls, moves, merges."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.errors import RemoteError
from connector.ticket import EventKind, Ticket, Touched
from tests.webhooks.work import QUESTION, Work
from webhooks import figures
from webhooks import sweep as module
from webhooks.entry import Source

pytestmark = pytest.mark.server


@pytest.fixture(params=["webhook", "poll"])
def intake(request: pytest.FixtureRequest, line: Work) -> Work:
    """Greffier in both ways of taking in."""
    line.configure(f'intake = "{request.param}"')
    return line


def again(line: Work) -> None:
    """The next look, without waiting for it."""
    line.reload()
    line.greffier.execute("UPDATE sweep SET swept_at = swept_at - interval '1 hour'")
    line.sweep()


def write(line: Work, text: str = QUESTION, **given: object) -> tuple[int, str]:
    """A citizen's message that no webhook announces."""
    ticket, article = line.sandbox.write_as_customer("Dépôt de garantie", text, **given)  # type: ignore[arg-type]
    return ticket, f"sandbox:{article}:message"


def test_a_message_that_no_webhook_announced_is_found_once(intake: Work) -> None:
    ticket, key = write(intake)
    intake.sweep()
    again(intake)
    intake.handle(key)
    assert (intake.greffier.states(), len(intake.notes(ticket))) == (["posted"], 1)


def test_what_a_webhook_announced_is_not_taken_twice(intake: Work) -> None:
    ticket, key = intake.message()
    intake.sweep()
    intake.handle(key)
    again(intake)
    assert (intake.greffier.states(), len(intake.notes(ticket))) == (["posted"], 1)


def test_replies_and_commands_are_found_too(intake: Work) -> None:
    ticket, _ = write(intake)
    intake.sandbox.reply_as_agent(ticket, "Un mois.")
    intake.sandbox.note_as_agent(ticket, "@greffier encore")
    intake.sandbox.note_as_agent(ticket, "Vu avec le service.")
    intake.sweep()
    assert intake.greffier.rows("SELECT kind FROM inbox ORDER BY message::int") == [
        ("message",),
        ("reply",),
        ("command",),
    ]


def test_groups_that_are_not_covered_are_left_alone(intake: Work) -> None:
    write(intake, group="Urbanisme")
    write(intake, group="Ressources humaines")
    intake.sweep()
    assert intake.greffier.states() == []


def test_a_ticket_moved_into_a_covered_group_is_found_with_its_old_message(intake: Work) -> None:
    ticket, key = write(intake, group="Urbanisme")
    intake.sweep()
    intake.sandbox.move(ticket, "État civil")
    again(intake)
    intake.handle(key)
    assert len(intake.notes(ticket)) == 1


def test_a_message_skipped_for_its_group_is_taken_up_again_after_a_move(intake: Work) -> None:
    ticket, key = intake.message("Urbanisme")
    intake.handle(key)
    intake.sandbox.move(ticket, "État civil")
    intake.sweep()
    intake.handle(key)
    assert (intake.end(key), len(intake.notes(ticket))) == (("posted", None), 1)


def test_a_message_merged_before_its_draft_is_drafted_in_the_other_ticket(intake: Work) -> None:
    other, _ = write(intake, "Bonjour, une autre question ?")
    ticket, key = intake.message()
    intake.sandbox.merge(ticket, other)
    intake.handle(key)
    assert intake.end(key) == ("skipped", "gone")
    intake.sweep()
    intake.handle(key)
    assert (intake.end(key), intake.entry(key).ticket) == (("posted", None), str(other))
    assert len(intake.notes(other)) == 1


def test_a_message_merged_after_its_draft_is_not_drafted_again(intake: Work) -> None:
    other, _ = write(intake, "Bonjour, une autre question ?")
    ticket, key = intake.message()
    intake.handle(key)
    intake.sandbox.merge(ticket, other)
    intake.sweep()
    intake.handle(key)
    assert len(intake.notes(other)) == 1


def test_what_was_written_before_the_start_is_left_alone(line: Work) -> None:
    write(line)
    line.configure(f"start = {datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}")
    line.sweep()
    assert line.greffier.states() == []


def lost(line: Work) -> int:
    """What the metric of lost webhooks would say in three minutes."""
    line.greffier.execute("UPDATE inbox SET accepted_at = accepted_at - interval '3 minutes'")
    with line.greffier.connection() as connection:
        return int(figures.read(connection, figures.SWEEP_FOUND, []).get(("sandbox",), 0))


def test_what_only_the_sweep_has_found_counts_as_lost(line: Work) -> None:
    ticket, _ = write(line)
    line.sandbox.note_as_agent(ticket, "@greffier encore")
    line.sweep()
    assert line.greffier.rows("SELECT DISTINCT source FROM inbox") == [(Source.SWEEP,)]
    assert lost(line) == 2


def test_a_webhook_that_is_slower_than_the_sweep_was_not_lost(line: Work) -> None:
    ticket, key = write(line)
    line.sweep()
    line.accept(ticket, int(key.split(":")[1]))
    assert lost(line) == 0


def test_a_move_that_the_sweep_sees_first_was_not_lost(line: Work) -> None:
    ticket, _ = write(line, group="Urbanisme")
    line.sandbox.move(ticket, "État civil")
    line.sweep()
    line.handle(line.accept(ticket, 0, EventKind.TICKET))
    assert lost(line) == 0


def test_what_a_poll_finds_was_not_lost(line: Work) -> None:
    line.configure('intake = "poll"')
    write(line)
    line.sweep()
    assert lost(line) == 0


def test_a_helpdesk_that_is_away_is_looked_through_later_from_the_same_moment(
    line: Work, caplog: pytest.LogCaptureFixture
) -> None:
    line.sweep()
    before = line.cursors.get("sandbox").watermark
    write(line)
    line.sandbox.faults.api_failures = 1
    with caplog.at_level(logging.WARNING):
        again(line)
    assert line.cursors.get("sandbox").watermark == before
    assert "503" in (line.cursors.get("sandbox").last_error or "")
    assert "looked through in vain" in caplog.text
    again(line)
    assert (line.greffier.states(), line.cursors.get("sandbox").last_error) == (["accepted"], None)


def test_a_revoked_token_pauses_the_helpdesk_and_its_sweep(line: Work) -> None:
    line.sandbox.faults.tokens = "revoked"
    line.sweep()
    assert "sandbox" in line.ledger.pauses()
    line.sandbox.faults.tokens = "valid"
    write(line)
    again(line)
    assert line.greffier.states() == []
    line.ledger.resume()
    again(line)
    assert line.greffier.states() == ["accepted"]


def test_one_process_looks_at_a_time(line: Work) -> None:
    write(line)
    with line.cursors.alone("sandbox") as first:
        assert first
        line.sweep()
    assert line.greffier.states() == []


def test_a_look_that_another_process_has_just_had_is_not_repeated(line: Work) -> None:
    line.sweep()
    write(line)
    line.reload()
    line.sweep()
    assert line.greffier.states() == []


def test_five_hundred_tickets_come_over_several_pages(line: Work) -> None:
    for number in range(450):
        write(line, f"{QUESTION} ({number})")
    line.sweep()
    assert len(line.greffier.states()) == 450


def test_a_look_that_is_told_to_stop_leaves_the_rest_for_the_next(line: Work) -> None:
    write(line)
    looked = iter([False, True])
    line.sweep(lambda: next(looked))
    assert line.greffier.states() == []
    again(line)
    assert line.greffier.states() == ["accepted"]


def fail_for(line: Work, monkeypatch: pytest.MonkeyPatch, *tickets: int) -> None:
    """Zammad answers 500 for those tickets, and for no other."""
    helpdesk = line.sweep._desks["sandbox"].helpdesk
    fetch = helpdesk.fetch

    def some(ticket: str) -> Ticket:
        if int(ticket) in tickets:
            raise RemoteError(f"tickets/{ticket} answered 500", permanent=False, status=500)
        return fetch(ticket)

    monkeypatch.setattr(helpdesk, "fetch", some)


def test_a_ticket_that_cannot_be_read_keeps_no_other_from_being_found(
    intake: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    tickets = [write(intake)[0] for _ in range(4)]
    fail_for(intake, monkeypatch, tickets[1])
    intake.sweep()
    cursor = intake.cursors.get("sandbox")
    assert len(intake.greffier.states()) == 3
    assert "answered 500" in (cursor.last_error or "")
    again(intake)
    assert (len(intake.greffier.states()), intake.cursors.get("sandbox").last_error) == (4, None)


def test_several_in_a_row_that_cannot_be_read_end_the_look(intake: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    tickets = [write(intake)[0] for _ in range(5)]
    fail_for(intake, monkeypatch, *tickets)
    intake.sweep()
    assert (intake.greffier.states(), intake.cursors.get("sandbox").watermark) == ([], None)


def test_a_ticket_that_changes_behind_a_long_look_is_found_by_the_next(
    intake: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OVERLAP", timedelta(0))
    early, late = write(intake)[0], write(intake)[0]
    helpdesk = intake.sweep._desks["sandbox"].helpdesk
    fetch = helpdesk.fetch

    def slowly(ticket: str) -> Ticket:
        found = fetch(ticket)
        if int(ticket) == early:  # both change while we look, the one that we have passed first
            time.sleep(1.2)
            intake.sandbox.write_as_customer("", "Encore une question", ticket_id=early)
            time.sleep(1.2)
            intake.sandbox.write_as_customer("", "Encore une question", ticket_id=late)
        return found

    monkeypatch.setattr(helpdesk, "fetch", slowly)
    pages = helpdesk.updated_since

    def one_by_one(moment: datetime) -> Iterator[Touched]:
        for touched in pages(moment):
            yield replace(touched, at=intake.sandbox.store.tickets[int(touched.ticket)].updated_at)

    monkeypatch.setattr(helpdesk, "updated_since", one_by_one)
    intake.sweep()
    again(intake)
    assert len(intake.greffier.states()) == 4


@pytest.mark.parametrize("kind", ["message", "command"])
def test_what_is_found_in_its_new_ticket_while_it_is_being_skipped_in_the_old_one_is_not_lost(
    intake: Work, kind: str
) -> None:
    target, _ = intake.message()
    source, key = intake.message()
    if kind == "command":
        key = intake.command(source, "@greffier aide")
    before = intake.entry(key)  # a worker has taken it up
    intake.sandbox.merge(source, target)
    intake.sweep()  # another has found it in the other ticket meanwhile
    intake.worker._line.advance(before)
    intake.reload()
    intake.handle(key)
    assert intake.end(key)[0] == "posted"
