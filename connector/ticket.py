"""What a helpdesk holds, in our words: frozen, and the same for every helpdesk."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class EventKind(StrEnum):
    """Why a helpdesk called us."""

    MESSAGE = "message"
    """A citizen wrote."""
    REPLY = "reply"
    """An agent answered the citizen."""
    COMMAND = "command"
    """An agent asks something of Greffier, by an internal note or a macro."""
    TICKET = "ticket"
    """The ticket itself changed: it was moved to another group, closed or merged. Its messages are to be looked at."""


class Role(StrEnum):
    """Who speaks in a ticket."""

    CUSTOMER = "customer"
    AGENT = "agent"
    SYSTEM = "system"


class Channel(StrEnum):
    """The way by which a message came; what a helpdesk names otherwise is `other`."""

    EMAIL = "email"
    WEB = "web"
    """A form or a portal."""
    PHONE = "phone"
    """A call or a fax, typed by an agent."""
    CHAT = "chat"
    SMS = "sms"
    SOCIAL = "social"
    OTHER = "other"


class Mode(StrEnum):
    """What Greffier does in a group."""

    DRAFT = "draft"
    OFF = "off"


class TicketState(StrEnum):
    """What matters to us of a ticket's state; the helpdesk's own states are richer."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


@dataclass(frozen=True, slots=True)
class Event:
    """A hint to look at a message; it carries no text.

    `message` names the message uniquely within its helpdesk, whatever ticket it is in: merging two tickets moves
    messages and must not draft them again. `delivery` is the sender's own id, logged and never trusted.
    """

    helpdesk: str
    ticket: str
    message: str
    kind: EventKind = EventKind.MESSAGE
    delivery: str | None = None

    @property
    def key(self) -> str:
        """What makes two events the same."""
        return f"{self.helpdesk}:{self.message}:{self.kind}"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the helpdesk; `name` and `email` are empty where unknown."""

    id: str
    name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a message; its bytes stay in the helpdesk. `size` is in bytes."""

    id: str
    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Command:
    """What an agent asks of Greffier: the first word after `@greffier` in lower case, and the rest."""

    word: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a ticket, as plain text without the quoted thread and the signature."""

    id: str
    role: Role
    author: Person
    text: str
    written_at: datetime
    internal: bool = False
    automatic: bool = False
    """Written by a machine: out-of-office answer, bounce, receipt."""
    ours: bool = False
    """Written by Greffier."""
    channel: Channel = Channel.EMAIL
    command: Command | None = None
    """What an internal note asks of Greffier."""
    reference: str | None = None
    """Of a note of ours, its mark."""
    attachments: tuple[Attachment, ...] = ()

    @property
    def from_citizen(self) -> bool:
        """Whether it came from the citizen's side; `automatic` tells whether a machine of theirs wrote it."""
        return self.role is Role.CUSTOMER and not self.internal


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as it was when it was fetched; messages in the order in which they were written."""

    helpdesk: str
    id: str
    title: str
    group: str
    state: TicketState
    customer: Person
    messages: tuple[Message, ...]

    def message(self, id: str) -> Message | None:
        """The message of that id, None if the ticket no longer holds it."""
        return next((message for message in self.messages if message.id == id), None)

    def note(self, reference: str) -> NoteRef | None:
        """Our note of that reference, None if the ticket holds none; also one that an agent has made public."""
        notes = (message for message in self.messages if message.reference == reference)
        return next((NoteRef(note.id, note.written_at) for note in notes), None)


@dataclass(frozen=True, slots=True)
class Touched:
    """A ticket that has changed: its group, and when by the helpdesk's clock."""

    ticket: str
    group: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in a note. `href` is an http(s) address; `marked` stands out as doubtful."""

    text: str
    href: str | None = None
    marked: bool = False
    strong: bool = False


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """An internal note for agents, before any helpdesk's markup.

    `reference` is both the machine's marker, by which the note is found again, and printed for people.
    `banner` is shown in a coloured box, `body` as paragraphs to copy, `sources` as lines, `footer` discreetly.
    """

    reference: str
    subject: str
    banner: tuple[Line, ...]
    body: tuple[Line, ...] = ()
    sources: tuple[Line, ...] = ()
    footer: tuple[Line, ...] = ()
    reply: tuple[Line, ...] = ()
    """The clean text to send, for helpdesks that can offer it in the agent's editor; empty where there is none."""
    language: str = "fr"


@dataclass(frozen=True, slots=True)
class NoteRef:
    """Where a note stands: its id within the helpdesk, and when the helpdesk says that it was written."""

    id: str
    written_at: datetime


class Level(StrEnum):
    """How a finding of `greffier check` ends."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `greffier check`: what was looked at, and what was found, with what to do about it."""

    level: Level
    subject: str
    message: str = field(default="")


@dataclass(frozen=True, slots=True)
class Article:
    """One answer of a helpdesk's own knowledge base, as it is now.

    `path` is the titles of the categories that it is in. `url` is its public page, empty for one that only agents may
    see; `html` is as the helpdesk keeps it. `locale` is the language of its page, for instance `fr-fr`.
    """

    id: str
    title: str
    html: str
    url: str
    updated: datetime
    locale: str
    path: tuple[str, ...] = ()
