"""What a draft is to answer. Light: what asks the chain need not import it."""

from __future__ import annotations

from dataclasses import dataclass

from chains.triage import is_reply
from connector.ticket import Message, Ticket


@dataclass(frozen=True, slots=True)
class Question:
    """A message of a ticket that waits for an answer.

    `instructions` are what agents asked for, the oldest first; `rejected` is the draft that another one is wanted for.
    """

    ticket: Ticket
    message_id: str
    instructions: tuple[str, ...] = ()
    rejected: str = ""

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
