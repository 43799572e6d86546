"""What a draft is to answer. Light: what asks the chain need not import it."""

from __future__ import annotations

from dataclasses import dataclass

from chains.essence import essence, language, says_little, topic
from chains.profile import DEFAULT, Profile
from chains.query import questions
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
    def language(self) -> str:
        """The language in which it is asked."""
        return language(self.text)

    @property
    def query(self) -> str:
        """What is searched for: what the messages say, with the ticket's title and what agents have asked for.

        A short answer (« Douze ans. ») means nothing without what the citizen wrote before.
        """
        said = self._said
        topics = topic(self.ticket.title, said)
        if says_little(f"{topics}\n{said}\n{' '.join(self.instructions)}"):
            earlier = self.earlier_than(self.waiting[0])
            said = "\n".join([*(essence(one.text) for one in earlier if one.from_citizen and not one.automatic), said])
        return "\n".join(filter(None, (topics, said, *self.instructions)))

    @property
    def parts(self) -> tuple[str, ...]:
        """The questions that are asked, if there are several: each is searched for apart too."""
        return questions(self._said)

    @property
    def _said(self) -> str:
        return "\n\n".join(essence(message.text) for message in self.waiting)

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
