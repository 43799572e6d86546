"""Is this message for us at all, and if not, why. Pure: a ticket and settings in, a reason out."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connector.robots import is_robot
from connector.ticket import Channel, Message, Mode, Role, Ticket, TicketState

AGAIN, STOP = ("encore", "again"), ("stop",)
"""The commands: another draft, and no more drafts in this ticket."""


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
    """A machine wrote it: an out-of-office answer, a failed delivery, bulk mail, a receipt, a no-reply address."""
    CHANNEL_OFF = "channel_off"
    """It came by a way that the helpdesk's `channels` do not list: a call that an agent typed, a chat, a network."""
    TICKET_MERGED = "ticket_merged"
    """The ticket was merged into another one."""
    TICKET_CLOSED = "ticket_closed"
    """The ticket is closed."""
    ANSWERED = "answered"
    """An agent has already answered after this message."""
    SUPERSEDED = "superseded"
    """The citizen has written again since, or an agent has asked again: the draft is made for the newest."""
    STOPPED = "stopped"
    """An agent wrote `@greffier stop` in the ticket."""
    NOTHING_ASKED = "nothing_asked"
    """An agent asked for a draft in a ticket in which no citizen's message waits for one."""
    NOT_A_COMMAND = "not_a_command"
    """An internal note of an agent that does not begin with `@greffier`."""
    EMPTY = "empty"
    """The message has no text: it is empty, or all of it is a quotation, a signature or an attachment."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides beside the ticket. `mode` is that of its group, None if it is not covered."""

    mode: Mode | None
    starts_at: datetime
    channels: Collection[Channel] = frozenset(Channel)


def triage(ticket: Ticket, message_id: str, rules: Rules) -> SkipReason | None:
    """Why a citizen's message gets no draft; None if it gets one."""
    if reason := _about_group(rules.mode):
        return reason
    message = ticket.message(message_id)
    if message is None:
        return SkipReason.GONE
    return _about_message(message, rules) or _about_ticket(ticket, message, rules)


def triage_request(ticket: Ticket, message_id: str, rules: Rules) -> SkipReason | None:
    """Why an agent's note that asks for another draft gets none; None if it gets one.

    An agent may ask about a message that would have had no draft by itself; what came after the note still counts.
    """
    if reason := _about_group(rules.mode):
        return reason
    note = ticket.message(message_id)
    if note is None:
        return SkipReason.GONE
    if asked_about(ticket, note) is None:
        return SkipReason.NOTHING_ASKED
    if reason := _about_state(ticket, note):
        return reason
    if _is_superseded(ticket, note, rules):
        return SkipReason.SUPERSEDED
    return SkipReason.STOPPED if is_stopped(ticket) else None


def about_command(note: Message | None, rules: Rules) -> SkipReason | None:
    """Why nothing is done about what was announced as a command; None if it is one. `note` is None if it is gone."""
    if reason := _about_group(rules.mode):
        return reason
    if note is None:
        return SkipReason.GONE
    return SkipReason.NOT_A_COMMAND if note.command is None else None


def is_request(message: Message) -> bool:
    """Whether it is a note by which an agent asks for another draft."""
    return message.command is not None and message.command.word in AGAIN


def is_stopped(ticket: Ticket) -> bool:
    """Whether the last that agents asked of us in this ticket was to stop."""
    words = [message.command.word for message in ticket.messages if message.command]
    last = next((word for word in reversed(words) if word in (*AGAIN, *STOP)), None)
    return last in STOP


def asked_about(ticket: Ticket, note: Message) -> Message | None:
    """The citizen's message that a request for another draft is about: the last one before the note."""
    before = ticket.messages[: ticket.messages.index(note)]
    return next((message for message in reversed(before) if _is_asking(message)), None)


def is_answered(ticket: Ticket, message: Message) -> bool:
    """Whether an agent has answered the citizen after that message."""
    return any(is_reply(later) for later in _after(ticket, message))


def is_reply(message: Message) -> bool:
    """Whether it is an agent's answer to the citizen."""
    return message.role is Role.AGENT and not (message.internal or message.automatic or message.ours)


def _about_group(mode: Mode | None) -> SkipReason | None:
    if mode is None:
        return SkipReason.GROUP_NOT_COVERED
    return SkipReason.GROUP_OFF if mode is Mode.OFF else None


def _about_message(message: Message, rules: Rules) -> SkipReason | None:
    if message.ours:
        return SkipReason.OURS
    if message.internal:
        return SkipReason.INTERNAL
    if message.role is not Role.CUSTOMER:
        return SkipReason.NOT_A_CUSTOMER
    if message.written_at < rules.starts_at:
        return SkipReason.BEFORE_START
    return None


def _about_ticket(ticket: Ticket, message: Message, rules: Rules) -> SkipReason | None:
    if _is_automatic(ticket, message):
        return SkipReason.AUTOMATIC
    if message.channel not in rules.channels:
        return SkipReason.CHANNEL_OFF
    if reason := _about_state(ticket, message):
        return reason
    if not _has_text(message):
        return SkipReason.EMPTY
    if _is_superseded(ticket, message, rules):
        return SkipReason.SUPERSEDED
    return SkipReason.STOPPED if is_stopped(ticket) else None


def _is_superseded(ticket: Ticket, message: Message, rules: Rules) -> bool:
    later = _after(ticket, message)
    return any(is_request(one) or _may_be_drafted(ticket, one, rules) for one in later)


def _about_state(ticket: Ticket, message: Message) -> SkipReason | None:
    if ticket.state is TicketState.MERGED:
        return SkipReason.TICKET_MERGED
    if ticket.state is TicketState.CLOSED:
        return SkipReason.TICKET_CLOSED
    return SkipReason.ANSWERED if is_answered(ticket, message) else None


def _may_be_drafted(ticket: Ticket, message: Message, rules: Rules) -> bool:
    """Whether a draft is made for it, as far as the message itself tells: one that gets none supersedes nothing."""
    return (
        _about_message(message, rules) is None
        and not _is_automatic(ticket, message)
        and message.channel in rules.channels
        and _has_text(message)
    )


def _has_text(message: Message) -> bool:
    return any(letter.isalnum() for letter in message.text)


def _is_asking(message: Message) -> bool:
    return message.from_citizen and not message.automatic and _has_text(message)


def _after(ticket: Ticket, message: Message) -> tuple[Message, ...]:
    return ticket.messages[ticket.messages.index(message) + 1 :]


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
        or is_robot(message.author.email)
        or (opened and _AUTOMATIC_SUBJECT.match(ticket.title) is not None)
    )
