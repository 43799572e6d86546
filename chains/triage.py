"""Is this message for us at all, and if not, why. Pure: a ticket and settings in, a reason out."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum

from connector.ticket import Message, Mode, Role, Ticket, TicketState


class SkipReason(StrEnum):
    """Why a message gets no draft."""

    GONE = "gone"
    """The message is no longer in the ticket: it was deleted, or moved to another ticket."""
    GROUP_NOT_COVERED = "group_not_covered"
    """The ticket's group is not listed in the helpdesk's `groups`."""
    GROUP_OFF = "group_off"
    """The ticket's group is listed with the mode `off`."""
    OURS = "ours"
    """Greffier wrote it."""
    INTERNAL = "internal"
    """An internal note, which the citizen does not see."""
    NOT_A_CUSTOMER = "not_a_customer"
    """An agent or the helpdesk itself wrote it."""
    BEFORE_START = "before_start"
    """It was written before the helpdesk's `start`, by default the moment of Greffier's first start."""
    AUTOMATIC = "automatic"
    """A machine wrote it: an out-of-office answer, a failed delivery, a receipt, a no-reply address."""
    TICKET_MERGED = "ticket_merged"
    """The ticket was merged into another one."""
    TICKET_CLOSED = "ticket_closed"
    """The ticket is closed."""
    ANSWERED = "answered"
    """An agent has already answered after this message."""
    EMPTY = "empty"
    """The message has no text: it is empty, or all of it is a quotation, a signature or an attachment."""


def triage(ticket: Ticket, message_id: str, *, mode: Mode | None, starts_at: datetime) -> SkipReason | None:
    """Why the message gets no draft; None if it gets one.

    `mode` is what the ticket's group is configured with, None if it is not; `starts_at` has a time zone.
    """
    if mode is None:
        return SkipReason.GROUP_NOT_COVERED
    if mode is Mode.OFF:
        return SkipReason.GROUP_OFF
    message = ticket.message(message_id)
    if message is None:
        return SkipReason.GONE
    return _about_message(message, starts_at) or _about_ticket(ticket, message)


def _about_message(message: Message, starts_at: datetime) -> SkipReason | None:
    if message.ours:
        return SkipReason.OURS
    if message.internal:
        return SkipReason.INTERNAL
    if message.role is not Role.CUSTOMER:
        return SkipReason.NOT_A_CUSTOMER
    if message.written_at < starts_at:
        return SkipReason.BEFORE_START
    return None


def _about_ticket(ticket: Ticket, message: Message) -> SkipReason | None:
    if _is_automatic(ticket, message):
        return SkipReason.AUTOMATIC
    if ticket.state is TicketState.MERGED:
        return SkipReason.TICKET_MERGED
    if ticket.state is TicketState.CLOSED:
        return SkipReason.TICKET_CLOSED
    if _is_answered(ticket, message):
        return SkipReason.ANSWERED
    if not any(letter.isalnum() for letter in message.text):
        return SkipReason.EMPTY
    return None


_ROBOTS = re.compile(
    r"(?:mailer-daemon|postmaster|bounces?|(?:no|ne|do)[._-]?(?:not|pas)?[._-]?(?:reply|repl(?:y|ies)|repondre))"
    r"(?:[+._-].*)?@.*",
    re.IGNORECASE,
)
# Subjects of the mail servers in use in France, in French and English; a person writes none of them
_AUTOMATIC_SUBJECT = re.compile(
    r"\s*(?:r[ée]ponse automatique|automatic reply|auto(?:matic)?[ -]?(?:reply|response)|out of (?:the )?office"
    r"|(?:message d')?absence du bureau|undeliver(?:ed|able)|mail delivery (?:failed|failure|subsystem)"
    r"|delivery status notification|returned mail|failure notice|non remis"
    r"|[ée]chec de (?:la )?(?:remise|distribution))",
    re.IGNORECASE,
)


def _is_automatic(ticket: Ticket, message: Message) -> bool:
    """As the helpdesk says, or by its sender, or by its subject, which is the title if it opened the ticket."""
    opened = ticket.messages[0] is message
    return (
        message.automatic
        or _ROBOTS.fullmatch(message.author.email.strip()) is not None
        or (opened and _AUTOMATIC_SUBJECT.match(ticket.title) is not None)
    )


def _is_answered(ticket: Ticket, message: Message) -> bool:
    after = ticket.messages[ticket.messages.index(message) + 1 :]
    return any(later.role is Role.AGENT and not (later.internal or later.automatic or later.ours) for later in after)
