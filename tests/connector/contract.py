"""What every helpdesk must do, whatever its kind: a suite that each connector's tests subclass.

A subclass gives the fixtures `helpdesk`, the connector under test, and `desk`, the other side of the same helpdesk.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from connector.errors import CredentialsRefused, Refused, RemoteError
from connector.helpdesk import Helpdesk, OffersDraft
from connector.ticket import Command, EventKind, Level, Note, Role, Span, TicketState

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NOTE = Note(
    reference="gr-7f3a9c21",
    subject="Projet de réponse",
    banner=((Span("AI-generated", strong=True),),),
    body=((Span("Le délai est de "), Span("15 jours", marked=True), Span("[1]", href="https://a.example/x")),),
)


class Desk(Protocol):
    """What the people of a helpdesk do and see, and what may go wrong in it."""

    def write(self, title: str, text: str, *, ticket: str | None = None) -> tuple[str, str]:
        """A citizen writes, on a new ticket or on that one: the ids of ticket and message, as events name them."""

    def reply(self, ticket: str, text: str) -> None:
        """An agent answers the citizen."""

    def note(self, ticket: str, text: str) -> None:
        """An agent writes an internal note."""

    def bounce(self, ticket: str) -> None:
        """A mail server tells in the ticket, as from a customer, that a mail could not be delivered."""

    def offered(self, ticket: str) -> str | None:
        """The HTML of the draft that waits in the agent's editor."""

    def offered_to(self, ticket: str) -> str:
        """Whom that draft is addressed to."""

    def edit_offered(self, ticket: str, text: str) -> None:
        """An agent changes it."""

    def delivery(self, message: str) -> tuple[dict[str, str], bytes]:
        """What the webhook received for that message: headers with lower-case names, raw body."""

    def notes(self, ticket: str) -> list[str]:
        """The HTML of the internal notes."""

    def notified(self) -> int:
        """How many people were told of anything since the citizen wrote."""

    def lose_next_answer(self) -> None:
        """The next note is stored, and its answer gets lost."""

    def break_down(self) -> None:
        """Nothing is answered from now on but a page of HTML."""

    def revoke_key(self) -> None:
        """Greffier's key is not accepted any more."""

    def let_no_key_in(self) -> None:
        """An admin has switched the API, or keys for it, off."""


class HelpdeskContract:
    """The suite."""

    def test_a_citizens_message_is_announced(self, helpdesk: Helpdesk, desk: Desk) -> None:
        ticket, message = desk.write("Livret de famille", "Bonjour, comment faire ?")
        event = helpdesk.read_event(*desk.delivery(message))
        assert event is not None
        assert (event.helpdesk, event.ticket, event.message) == (helpdesk.name, ticket, message)
        assert event.kind is EventKind.MESSAGE

    def test_a_changed_delivery_is_refused(self, helpdesk: Helpdesk, desk: Desk) -> None:
        headers, body = desk.delivery(desk.write("Livret", "Bonjour")[1])
        with pytest.raises(Refused) as caught:
            helpdesk.read_event(headers, body.replace(b"Livret", b"Permis"))
        assert caught.value.status == 401

    def test_it_knows_which_groups_our_account_reads(self, helpdesk: Helpdesk, desk: Desk) -> None:
        group = helpdesk.fetch(desk.write("Livret", "Bonjour")[0]).group
        assert helpdesk.reads([group])
        assert not helpdesk.reads([group, "Nulle part"])

    def test_a_ticket_is_fetched_as_it_is_now(self, helpdesk: Helpdesk, desk: Desk) -> None:
        id, first = desk.write("Livret de famille", "Bonjour, comment faire ?")
        second = desk.write("Livret de famille", "J'ajoute : c'est urgent.", ticket=id)[1]
        desk.reply(id, "Voici la marche à suivre.")
        ticket = helpdesk.fetch(id)
        people = [message for message in ticket.messages if message.role is not Role.SYSTEM]
        assert (ticket.id, ticket.title, ticket.state) == (id, "Livret de famille", TicketState.OPEN)
        assert [message.id for message in people][:2] == [first, second]
        assert [message.role for message in people] == [Role.CUSTOMER, Role.CUSTOMER, Role.AGENT]
        assert people[1].text == "J'ajoute : c'est urgent."

    def test_the_customer_is_the_author_of_their_message(self, helpdesk: Helpdesk, desk: Desk) -> None:
        id, message = desk.write("Livret", "Bonjour")
        ticket = helpdesk.fetch(id)
        written = ticket.message(message)
        assert written is not None
        assert written.author == ticket.customer
        assert "@" in ticket.customer.email

    def test_a_note_is_written_for_agents_and_found_again(self, helpdesk: Helpdesk, desk: Desk) -> None:
        ticket, _ = desk.write("Livret", "Bonjour")
        assert helpdesk.fetch(ticket).note(NOTE.reference) is None
        written = helpdesk.add_note(ticket, NOTE)
        assert helpdesk.fetch(ticket).note(NOTE.reference) == written
        assert helpdesk.fetch(ticket).note("gr-autre") is None
        assert len(desk.notes(ticket)) == 1

    def test_a_note_is_ours_and_internal_when_the_ticket_is_fetched(self, helpdesk: Helpdesk, desk: Desk) -> None:
        ticket, _ = desk.write("Livret", "Bonjour")
        reference = helpdesk.add_note(ticket, NOTE)
        note = helpdesk.fetch(ticket).message(reference.id)
        assert note is not None
        assert (note.ours, note.internal, note.written_at) == (True, True, reference.written_at)
        assert note.text.startswith("AI-generated")

    def test_a_note_keeps_its_marks_and_links(self, helpdesk: Helpdesk, desk: Desk) -> None:
        ticket, _ = desk.write("Livret", "Bonjour")
        helpdesk.add_note(ticket, NOTE)
        (html,) = desk.notes(ticket)
        assert "<mark>15 jours ⚠</mark>" in html
        assert 'href="https://a.example/x"' in html
        assert "background-color:#fff4d6" in html

    def test_a_note_wakes_nobody(self, helpdesk: Helpdesk, desk: Desk) -> None:
        ticket, _ = desk.write("Livret", "Bonjour")
        before = desk.notified()
        helpdesk.add_note(ticket, NOTE)
        assert desk.notified() == before

    def test_a_note_changes_neither_the_state_nor_the_messages(self, helpdesk: Helpdesk, desk: Desk) -> None:
        id, _ = desk.write("Livret", "Bonjour")
        before = helpdesk.fetch(id)
        helpdesk.add_note(id, NOTE)
        after = helpdesk.fetch(id)
        assert (after.state, after.group) == (before.state, before.group)
        assert after.messages[: len(before.messages)] == before.messages

    def test_a_note_whose_answer_was_lost_is_written_once(self, helpdesk: Helpdesk, desk: Desk) -> None:
        ticket, _ = desk.write("Livret", "Bonjour")
        desk.lose_next_answer()
        written = helpdesk.add_note(ticket, NOTE)
        assert written == helpdesk.fetch(ticket).note(NOTE.reference)
        assert len(desk.notes(ticket)) == 1

    def test_a_ticket_that_changes_is_found_by_its_moment(self, helpdesk: Helpdesk, desk: Desk) -> None:
        old, _ = desk.write("Livret", "Bonjour")
        moment = next(iter(helpdesk.updated_since(LONG_AGO))).at
        new, _ = desk.write("Acte", "Bonjour")
        found = list(helpdesk.updated_since(LONG_AGO))
        assert [touched.ticket for touched in found] == [old, new]
        assert all(touched.group and touched.at >= moment for touched in found)
        desk.write("", "Je relance", ticket=old)
        assert [touched.ticket for touched in helpdesk.updated_since(LONG_AGO)] == [new, old]
        assert list(helpdesk.updated_since(found[-1].at + timedelta(hours=1))) == []

    def test_a_command_in_a_note_is_read_and_ours_is_not(self, helpdesk: Helpdesk, desk: Desk) -> None:
        id, _ = desk.write("Livret", "@greffier stop")
        desk.note(id, "@greffier encore plus court")
        helpdesk.add_note(id, replace(NOTE, banner=((Span("@greffier stop"),),)))
        assert [message.command for message in helpdesk.fetch(id).messages] == [
            None,
            Command("encore", "plus court"),
            None,
        ]

    def test_a_draft_is_offered_replaced_and_withdrawn(self, helpdesk: Helpdesk, desk: Desk) -> None:
        if not isinstance(helpdesk, OffersDraft):
            pytest.skip("this kind of helpdesk offers no draft")
        id, message = desk.write("Livret", "Bonjour")
        assert helpdesk.withdraw_draft(id) is False
        for text in ("Un mois.", "Deux mois."):
            assert helpdesk.offer_draft(helpdesk.fetch(id), replace(NOTE, reply=((Span(text),),)), answers=message)
            assert text in (desk.offered(id) or "")
        assert helpdesk.withdraw_draft(id) is True
        assert desk.offered(id) is None

    def test_a_draft_is_addressed_to_who_wrote_the_message_that_it_answers(
        self, helpdesk: Helpdesk, desk: Desk
    ) -> None:
        if not isinstance(helpdesk, OffersDraft):
            pytest.skip("this kind of helpdesk offers no draft")
        id, message = desk.write("Livret", "Bonjour")
        desk.bounce(id)
        ticket = helpdesk.fetch(id)
        assert helpdesk.offer_draft(ticket, replace(NOTE, reply=((Span("Un mois."),),)), answers=message)
        assert ticket.customer.email in desk.offered_to(id)

    def test_a_draft_that_a_person_has_touched_is_left_alone(self, helpdesk: Helpdesk, desk: Desk) -> None:
        if not isinstance(helpdesk, OffersDraft):
            pytest.skip("this kind of helpdesk offers no draft")
        id, message = desk.write("Livret", "Bonjour")
        note = replace(NOTE, reply=((Span("Un mois."),),))
        helpdesk.offer_draft(helpdesk.fetch(id), note, answers=message)
        desk.edit_offered(id, "Corrigé")
        assert helpdesk.offer_draft(helpdesk.fetch(id), note, answers=message) is False
        assert helpdesk.withdraw_draft(id) is False
        assert "Corrigé" in (desk.offered(id) or "")

    def test_a_ticket_that_does_not_exist_is_a_permanent_error(self, helpdesk: Helpdesk, desk: Desk) -> None:
        desk.write("Livret", "Bonjour")
        for call in (helpdesk.fetch, lambda id: helpdesk.add_note(id, NOTE)):
            with pytest.raises(RemoteError) as caught:
                call("999999")
            assert caught.value.permanent

    def test_a_helpdesk_that_is_down_is_an_outage(self, helpdesk: Helpdesk, desk: Desk) -> None:
        ticket, _ = desk.write("Livret", "Bonjour")
        group = helpdesk.fetch(ticket).group
        desk.break_down()
        for call in (helpdesk.fetch, lambda id: helpdesk.add_note(id, NOTE), lambda _: helpdesk.reads([group])):
            with pytest.raises(RemoteError) as caught:
                call(ticket)
            assert not caught.value.permanent

    def test_a_revoked_key_is_told_apart(self, helpdesk: Helpdesk, desk: Desk) -> None:
        ticket, _ = desk.write("Livret", "Bonjour")
        desk.revoke_key()
        for call in (helpdesk.fetch, lambda _: helpdesk.reads(["Accueil"])):
            with pytest.raises(CredentialsRefused):
                call(ticket)

    def test_a_helpdesk_that_lets_no_key_in_refuses_ours_and_no_right(self, helpdesk: Helpdesk, desk: Desk) -> None:
        ticket, _ = desk.write("Livret", "Bonjour")
        desk.let_no_key_in()
        for call in (helpdesk.fetch, lambda id: helpdesk.add_note(id, NOTE)):
            with pytest.raises(CredentialsRefused):
                call(ticket)

    def test_the_check_finds_a_revoked_key(self, helpdesk: Helpdesk, desk: Desk) -> None:
        desk.revoke_key()
        assert Level.ERROR in [finding.level for finding in helpdesk.check()]

    def test_the_check_finds_nothing_wrong_with_a_sound_helpdesk(self, helpdesk: Helpdesk) -> None:
        assert Level.ERROR not in [finding.level for finding in helpdesk.check()]
