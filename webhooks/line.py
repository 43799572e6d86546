"""The straight line of an event, from the ledger to its note.

fetch, triage, draft, commit the draft; then, alone with the ticket: fetch again, triage again, post, record, offer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from chains.draft import Abstention, Draft
from chains.essence import language
from chains.question import Question, subject, wishes
from chains.triage import AGAIN, STOP, SkipReason, about_command, is_answered, triage, triage_request
from connector.errors import CredentialsRefused, RemoteError
from connector.helpdesk import OffersDraft
from connector.ticket import EventKind, Note, NoteRef, Ticket
from webhooks.desk import Desk, OutOfReach
from webhooks.entry import Entry, Source, State
from webhooks.ledger import Ledger
from webhooks.metrics import Drafting
from webhooks.note import STOPPED, UNKNOWN_COMMAND
from webhooks.profiles import Profiles
from webhooks.sweep import take_in

log = logging.getLogger("greffier.line")

Drafter = Callable[[Question], Draft | Abstention]
TOLD = (SkipReason.NOTHING_ASKED, SkipReason.TICKET_CLOSED)
"""Why an agent who asks for a draft gets none, where the ticket does not show it plainly."""


class Line:
    """Takes an event one step after the other; each may raise, and all of it may be done again."""

    def __init__(
        self, ledger: Ledger, desks: Mapping[str, Desk], draft: Drafter, profiles: Profiles, drafting: Drafting
    ) -> None:
        self._ledger = ledger
        self._desks = desks
        self._draft = draft
        self._profiles = profiles
        self._drafting = drafting

    def advance(self, entry: Entry) -> None:
        """Take the event to its end."""
        if entry.helpdesk not in self._desks:
            raise RemoteError(f"no helpdesk named {entry.helpdesk} is configured", permanent=True)
        steps = {
            EventKind.MESSAGE: self._answer,
            EventKind.COMMAND: self._command,
            EventKind.REPLY: self._reply,
            EventKind.TICKET: self._ticket,
        }
        try:
            steps[entry.kind](entry, self._desks[entry.helpdesk])
        except OutOfReach as error:
            self._skip(entry, error.reason)

    # --- by kind

    def _answer(self, entry: Entry, desk: Desk, ticket: Ticket | None = None) -> None:
        """A draft, or an abstention, and its note: for a citizen's message, or because an agent asks for another.

        `ticket` is what has just been fetched of it, if anything has.
        """
        group = entry.group_name
        if entry.state is State.ACCEPTED:
            ticket = ticket or self._fetch(entry, desk)
            self._observe(entry, ticket)
            if reason := _reason(entry, ticket, desk):
                self._end(entry, desk, reason)
                return
            self._withdraw(entry, desk)  # it answers an older message, or is not wanted
            question = self._question(entry, ticket)
            with self._drafting.stage("draft"):
                answer = self._draft(question)
            self._ledger.save_answer(entry.key, answer)
            group = ticket.group
        if not self._post(entry, desk, group):
            self._ledger.forget_answer(entry.key)
            log.info("%s: drafted again, for the group to which the ticket was moved", entry.key)
            self._answer(replace(entry, state=State.ACCEPTED), desk)

    def _command(self, entry: Entry, desk: Desk) -> None:
        ticket = self._fetch(entry, desk)
        note = ticket.message(entry.message)
        reason = about_command(note, desk.rules(ticket.group))
        word = note.command.word if note and note.command else ""
        if reason:
            self._skip(entry, reason)
        elif word in AGAIN:
            self._answer(entry, desk, ticket)
        elif word in STOP:
            self._withdraw(entry, desk)
            self._tell(entry, desk, STOPPED)
        else:
            self._tell(entry, desk, UNKNOWN_COMMAND, word)

    def _reply(self, entry: Entry, desk: Desk) -> None:
        self._withdraw(entry, desk)
        self._ledger.done(entry.key)

    def _ticket(self, entry: Entry, desk: Desk) -> None:
        take_in(self._fetch(entry, desk), desk, self._ledger, Source.WEBHOOK)
        self._ledger.done(entry.key)

    # --- the steps

    def _fetch(self, entry: Entry, desk: Desk) -> Ticket:
        with self._drafting.stage("fetch"), desk.in_reach():
            return desk.helpdesk.fetch(entry.ticket)

    def _observe(self, entry: Entry, ticket: Ticket) -> None:
        if message := ticket.message(entry.message):
            asked_in, at = language(message.text), message.written_at
            self._ledger.observe(entry.key, group=ticket.group, language=asked_in, written_at=at)

    def _question(self, entry: Entry, ticket: Ticket) -> Question:
        asked = subject(ticket, entry.message)
        assert asked is not None  # noqa: S101 - or triage would have said so
        profile = self._profiles.of(ticket)
        if entry.kind is EventKind.MESSAGE:
            return Question(ticket, asked.id, profile=profile)
        return Question(ticket, asked.id, wishes(ticket, entry.message), self._rejected(entry, ticket), profile)

    def _rejected(self, entry: Entry, ticket: Ticket) -> str:
        """The text of the draft before; empty where it was made for a group that may see what this one may not."""
        earlier, answer = self._ledger.previous(entry) or (None, None)
        if earlier is None or not isinstance(answer, Draft):
            return ""
        if earlier.group_name is None or not self._profiles.alike(ticket, earlier.group_name):
            return ""
        return " ".join(one.text for one in answer.statements)

    def _post(self, entry: Entry, desk: Desk, group: str | None) -> bool:
        """Write the note, once, and never after what makes it useless: the ticket is looked at once more.

        False, and nothing is written, where the ticket has left the `group` that the draft was made for and its new
        group must not see what that one may: the documents of another organisation.
        """
        with self._ledger.ticket_lock(entry):
            ticket = self._fetch(entry, desk)
            reason = _reason(entry, ticket, desk)
            written = ticket.note(entry.reference)
            if reason:  # a note that is there already came before it
                self._ledger.posted(entry, written) if written else self._skip(entry, reason)
                return True
            if not written and not self._profiles.alike(ticket, group):
                return False
            note = self._note(entry, ticket)
            written = written or self._add(entry, desk, note)
            self._ledger.posted(entry, written)
            self._offer(entry, desk, ticket, note)
        log.info("%s: note %s in ticket %s", entry.key, written.id, ticket.id)
        return True

    def _note(self, entry: Entry, ticket: Ticket) -> Note:
        answer = self._ledger.answer(entry.key)
        assert answer is not None  # noqa: S101 - it was saved before
        asked = subject(ticket, entry.message)
        asked_in = language(asked.text) if asked else answer.language
        write = self._profiles.writer(ticket)
        return write.answer(answer, entry.reference, asked_in, self._replaced(entry, ticket))

    def _replaced(self, entry: Entry, ticket: Ticket) -> str | None:
        """The mark of the draft that this one replaces: the last one, if no agent has answered since."""
        previous = self._ledger.previous(entry)
        if previous is None or not isinstance(previous[1], Draft):
            return None
        notes = [message for message in ticket.messages if message.reference == previous[0].reference]
        return previous[0].reference if notes and not is_answered(ticket, notes[0]) else None

    def _add(self, entry: Entry, desk: Desk, note: Note) -> NoteRef:
        with self._drafting.stage("post"):
            return desk.helpdesk.add_note(entry.ticket, note)

    def _end(self, entry: Entry, desk: Desk, reason: SkipReason) -> None:
        if entry.kind is EventKind.COMMAND and reason in TOLD:
            self._tell(entry, desk, reason)
        else:
            self._skip(entry, reason)

    def _tell(self, entry: Entry, desk: Desk, reason: str, word: str = "") -> None:
        with self._ledger.ticket_lock(entry):
            ticket = self._fetch(entry, desk)
            written = ticket.note(entry.reference)
            note = self._profiles.writer(ticket).notice(entry.reference, reason, word)
            self._ledger.posted(entry, written or self._add(entry, desk, note), reason)
        log.info("%s: told in ticket %s: %s", entry.key, entry.ticket, reason)

    def _skip(self, entry: Entry, reason: SkipReason) -> None:
        if self._ledger.skip(entry, reason):
            log.info("%s: skipped: %s", entry.key, reason)

    # --- the draft in the agent's editor: a help, without which all goes on

    def _offer(self, entry: Entry, desk: Desk, ticket: Ticket, note: Note) -> None:
        """The note is in the ticket: nothing is tried again for this."""
        helpdesk, asked = desk.helpdesk, subject(ticket, entry.message)
        if not note.reply or asked is None or not isinstance(helpdesk, OffersDraft):
            return
        try:
            with self._drafting.stage("offer"):
                offered = helpdesk.offer_draft(ticket, note, answers=asked.id)
        except CredentialsRefused:
            raise
        except RemoteError as error:
            log.warning("%s: the draft could not be offered: %s", entry.key, error)
        else:
            if offered:
                log.info("%s: the draft is offered in ticket %s", entry.key, ticket.id)

    def _withdraw(self, entry: Entry, desk: Desk) -> None:
        """Tried again only where the helpdesk is away for everything else too."""
        helpdesk = desk.helpdesk
        if not isinstance(helpdesk, OffersDraft):
            return
        try:
            withdrawn = helpdesk.withdraw_draft(entry.ticket)
        except CredentialsRefused:
            raise
        except RemoteError as error:
            if error.is_away:
                raise
            log.warning("%s: a draft that was offered could not be withdrawn: %s", entry.key, error)
        else:
            if withdrawn:
                log.info("%s: the draft offered in ticket %s was withdrawn", entry.key, entry.ticket)


def _reason(entry: Entry, ticket: Ticket, desk: Desk) -> SkipReason | None:
    rules = desk.rules(ticket.group)
    decide = triage if entry.kind is EventKind.MESSAGE else triage_request
    return decide(ticket, entry.message, rules)
