"""What a draft is to answer. Light: what asks the chain need not import it."""

from __future__ import annotations

from dataclasses import dataclass

from chains.profile import DEFAULT, Profile
from chains.triage import asked_about, is_reply, is_request
from connector.ticket import Message, Role, Ticket


@dataclass(frozen=True, slots=True)
class Question:
    """A message of a ticket that waits for an answer.

    `instructions` are what agents asked for, the oldest first; `rejected` is the draft that another one is wanted for;
    `profile` is that of the ticket's group.
    """

    ticket: Ticket
    message_id: str
    instructions: tuple[str, ...] = ()
    rejected: str = ""
    profile: Profile = DEFAULT

    @property
    def waiting(self) -> tuple[Message, ...]:
        """The message, after those that the citizen wrote before it and that no agent has answered.

        Raises ValueError if the ticket does not hold it.
        """
        message = self.ticket.message(self.message_id)
        if message is None:
            raise ValueError(f"message {self.message_id} is not in ticket {self.ticket.id}")
        waiting = [message]
        for earlier in reversed(self.earlier_than(message)):
            if is_reply(earlier):
                break
            if earlier.from_citizen and not earlier.automatic:
                waiting.insert(0, earlier)
        return tuple(waiting)

    @property
    def text(self) -> str:
        """All that waits for an answer."""
        return "\n\n".join(message.text for message in self.waiting)

    @property
    def query(self) -> str:
        """What is searched for."""
        return "\n".join((self.ticket.title, self.text, *self.instructions))

    def earlier_than(self, message: Message) -> tuple[Message, ...]:
        """What was written before that message of the ticket."""
        return self.ticket.messages[: self.ticket.messages.index(message)]


def subject(ticket: Ticket, message_id: str) -> Message | None:
    """The citizen's message that is to be answered: that one, or the one that an agent's note is about.

    None if the ticket holds no such message, or nothing that the note could be about.
    """
    message = ticket.message(message_id)
    if message is None or message.role is Role.CUSTOMER:
        return message
    return asked_about(ticket, message)


def wishes(ticket: Ticket, note_id: str) -> tuple[str, ...]:
    """What agents have asked for in this ticket up to that note, the oldest first."""
    found = []
    for message in ticket.messages:
        if message.command and message.command.text and is_request(message):
            found.append(message.command.text)
        if message.id == note_id:
            break
    return tuple(found)
