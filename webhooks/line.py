"""The straight line of an event, from the ledger to its note.

fetch, triage, draft, commit the draft; then, alone with the ticket: fetch again, triage again, post, offer, record.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from chains.draft import Abstention, Draft
from chains.language import language_of
from chains.question import Question
from chains.triage import AGAIN, STOP, SkipReason, asked_about, is_answered, is_request, triage, triage_request
from connector.errors import CredentialsRefused, RemoteError
from connector.helpdesk import OffersDraft
from connector.ticket import EventKind, Message, Note, NoteRef, Ticket
from webhooks.desk import Desk, OutOfReach
from webhooks.entry import Entry, Source
from webhooks.ledger import Ledger
from webhooks.metrics import Drafting
from webhooks.note import STOPPED, UNKNOWN_COMMAND, Writer
from webhooks.sweep import take_in

log = logging.getLogger("greffier.line")


Drafter = Callable[[Question], Draft | Abstention]


class Line:
    """Takes an event one step after the other; each may raise, and all of it may be done again."""

    def __init__(
        self,
        ledger: Ledger,
        desks: Mapping[str, Desk],
        draft: Drafter,
        write: Writer,
        drafting: Drafting | None = None,
    ) -> None:
        self._ledger = ledger
        self._desks = desks
        self._draft = draft
        self._write = write
        self._drafting = drafting or Drafting()

    def advance(self, entry: Entry) -> None:
        """Take the event to its end."""
        if entry.helpdesk not in self._desks:
            raise RemoteError(f"no helpdesk named {entry.helpdesk} is configured", permanent=True)
        steps = {
            EventKind.MESSAGE: self._message,
            EventKind.COMMAND: self._command,
            EventKind.REPLY: self._reply,
            EventKind.TICKET: self._ticket,
        }
        try:
            steps[entry.kind](entry, self._desks[entry.helpdesk])
        except OutOfReach as error:
            self._skip(entry, error.reason)

    # --- by kind

    def _message(self, entry: Entry, desk: Desk) -> None:
        if self._ledger.answer(entry.key) is None:
            ticket = self._fetch(entry, desk)
            self._observe(entry, ticket)
            if reason := _reason(entry, ticket, desk):
                self._skip(entry, reason)
                return
            self._withdraw(entry, desk)  # it answers an older message
            self._ledger.save_answer(entry.key, self._answer(entry, ticket))
        self._post(entry, desk)

    def _command(self, entry: Entry, desk: Desk) -> None:
        ticket = self._fetch(entry, desk)
        note = ticket.message(entry.message)
        command = note.command if note else None
        if not desk.covers(ticket.group) or command is None:
            self._skip(entry, SkipReason.GROUP_NOT_COVERED if command else SkipReason.NOT_A_COMMAND)
        elif command.word in AGAIN:
            self._again(entry, desk, ticket)
        else:
            if command.word in STOP:
                self._withdraw(entry, desk)
            self._tell(entry, desk, STOPPED if command.word in STOP else UNKNOWN_COMMAND, command.word)

    def _reply(self, entry: Entry, desk: Desk) -> None:
        self._withdraw(entry, desk)
        self._ledger.done(entry.key)

    def _ticket(self, entry: Entry, desk: Desk) -> None:
        ticket = self._fetch(entry, desk)
        take_in(ticket, desk, self._ledger, Source.WEBHOOK)
        self._ledger.done(entry.key)

    # --- the steps

    def _fetch(self, entry: Entry, desk: Desk) -> Ticket:
        with self._drafting.stage("fetch"), desk.in_reach():
            return desk.helpdesk.fetch(entry.ticket)

    def _again(self, entry: Entry, desk: Desk, ticket: Ticket) -> None:
        """Another draft, because an agent asked for it. Where there is none, the ticket says why."""
        if self._ledger.answer(entry.key) is None:
            reason = _reason(entry, ticket, desk)
            if reason in (SkipReason.NOTHING_ASKED, SkipReason.TICKET_CLOSED):
                self._tell(entry, desk, reason)
                return
            if reason:  # it is plain to see in the ticket
                self._skip(entry, reason)
                return
            self._ledger.save_answer(entry.key, self._answer(entry, ticket))
        self._post(entry, desk)

    def _question(self, entry: Entry, ticket: Ticket) -> Question:
        if entry.kind == EventKind.MESSAGE:
            return Question(ticket, entry.message)
        note, asked = _request(entry, ticket)
        until = ticket.messages[: ticket.messages.index(note) + 1]
        wishes = tuple(one.command.text for one in until if one.command and is_request(one) and one.command.text)
        previous = self._ledger.previous(entry)
        rejected = previous[1] if previous else None
        text = " ".join(one.text for one in rejected.statements) if isinstance(rejected, Draft) else ""
        return Question(ticket, asked.id, wishes, text)

    def _answer(self, entry: Entry, ticket: Ticket) -> Draft | Abstention:
        question = self._question(entry, ticket)
        with self._drafting.stage("draft"):
            return self._draft(question)

    def _add(self, entry: Entry, desk: Desk, note: Note) -> NoteRef:
        with self._drafting.stage("post"):
            return desk.helpdesk.add_note(entry.ticket, note)

    def _offer(self, entry: Entry, desk: Desk, ticket: Ticket, note: Note) -> None:
        if isinstance(desk.helpdesk, OffersDraft):
            with self._drafting.stage("offer"):
                _offer(entry, desk.helpdesk, ticket, note)

    def _post(self, entry: Entry, desk: Desk) -> None:
        """Write the note, once, and never after what makes it useless: the ticket is looked at once more."""
        with self._ledger.ticket_lock(entry):
            ticket = self._fetch(entry, desk)
            reason = _reason(entry, ticket, desk)
            written = ticket.note(entry.reference)
            if reason:  # a note that is there already came before it
                self._ledger.posted(entry, written) if written else self._skip(entry, reason)
                return
            note = self._note(entry, ticket)
            written = written or self._add(entry, desk, note)
            if note.reply:
                self._offer(entry, desk, ticket, note)
            self._ledger.posted(entry, written)
        log.info("%s: note %s in ticket %s", entry.key, written.id, ticket.id)

    def _note(self, entry: Entry, ticket: Ticket) -> Note:
        answer = self._ledger.answer(entry.key)
        assert answer is not None  # noqa: S101 - it was saved before
        asked = ticket.message(entry.message) if entry.kind == EventKind.MESSAGE else None
        if asked is None and entry.kind == EventKind.COMMAND and ticket.message(entry.message):
            asked = _request(entry, ticket)[1]
        language = language_of(asked.text) if asked else answer.language
        return self._write.answer(answer, entry.reference, language, self._replaced(entry, ticket))

    def _replaced(self, entry: Entry, ticket: Ticket) -> str | None:
        """The mark of the draft that this one replaces: the last one, if no agent has answered since."""
        previous = self._ledger.previous(entry)
        if previous is None or not isinstance(previous[1], Draft):
            return None
        notes = [message for message in ticket.messages if message.reference == previous[0].reference]
        return previous[0].reference if notes and not is_answered(ticket, notes[0]) else None

    def _tell(self, entry: Entry, desk: Desk, reason: str, word: str = "") -> None:
        with self._ledger.ticket_lock(entry):
            written = self._fetch(entry, desk).note(entry.reference)
            note = self._write.notice(entry.reference, reason, word)
            self._ledger.posted(entry, written or self._add(entry, desk, note), reason)
        log.info("%s: told in ticket %s: %s", entry.key, entry.ticket, reason)

    def _withdraw(self, entry: Entry, desk: Desk) -> None:
        if not isinstance(desk.helpdesk, OffersDraft):
            return
        with desk.in_reach():
            withdrawn = desk.helpdesk.withdraw_draft(entry.ticket)
        if withdrawn:
            log.info("%s: the draft offered in ticket %s was withdrawn", entry.key, entry.ticket)

    def _observe(self, entry: Entry, ticket: Ticket) -> None:
        if message := ticket.message(entry.message):
            language = language_of(message.text)
            self._ledger.observe(entry.key, group=ticket.group, language=language, written_at=message.written_at)

    def _skip(self, entry: Entry, reason: SkipReason) -> None:
        self._ledger.skip(entry.key, reason)
        log.info("%s: skipped: %s", entry.key, reason)


def _reason(entry: Entry, ticket: Ticket, desk: Desk) -> SkipReason | None:
    rules = desk.rules(ticket.group)
    decide = triage if entry.kind == EventKind.MESSAGE else triage_request
    return decide(ticket, entry.message, rules)


def _request(entry: Entry, ticket: Ticket) -> tuple[Message, Message]:
    """The note by which an agent asks for another draft, and the citizen's message that it is about."""
    note = ticket.message(entry.message)
    asked = asked_about(ticket, note) if note else None
    if note is None or asked is None:
        raise ValueError(f"{entry.key} asks about no message")  # triage says so first
    return note, asked


def _offer(entry: Entry, helpdesk: OffersDraft, ticket: Ticket, note: Note) -> None:
    """Put the reply into the agent's editor. Where the helpdesk says no to that, the note is enough."""
    try:
        answers = entry.message if entry.kind == EventKind.MESSAGE else _request(entry, ticket)[1].id
        if helpdesk.offer_draft(ticket, note, answers=answers):
            log.info("%s: the draft is offered in ticket %s", entry.key, ticket.id)
    except CredentialsRefused:
        raise
    except RemoteError as error:
        if not error.permanent:
            raise
        log.warning("%s: the draft could not be offered: %s", entry.key, error)
