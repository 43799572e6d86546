"""What the helpdesk holds: frozen records whose fields are named after Zammad's columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

# The ids that Zammad's seeds fix (db/seeds of Zammad 5.2); the words are what its API shows.
SENDERS = {"Agent": 1, "Customer": 2, "System": 3}
TYPES = {"email": 1, "sms": 2, "chat": 3, "fax": 4, "phone": 5, "note": 10, "web": 11}
STATES = {"new": 1, "open": 2, "pending reminder": 3, "closed": 4, "merged": 5}
PRIORITIES = {"1 low": 1, "2 normal": 2, "3 high": 3}

SYSTEM_USER = 1
"""The user `-`, who owns what nobody owns and writes what nobody wrote."""


Access = Mapping[int, tuple[str, ...]]
"""The rights in each group by its id: read, create, change, or full for all of them."""


@dataclass(frozen=True, slots=True)
class Role:
    """What its holders may do; a permission such as `admin` includes all that begin with `admin.`."""

    id: int
    name: str
    permissions: tuple[str, ...]
    created_at: datetime
    access: Access = field(default_factory=dict)
    note: str | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class User:
    """A person. `access` is what was given to it alone; `rights` and `permissions` are the sum with its roles'."""

    id: int
    login: str
    firstname: str
    lastname: str
    email: str
    roles: tuple[str, ...]
    created_at: datetime
    access: Access = field(default_factory=dict)
    active: bool = True
    note: str = ""
    rights: Access = field(default_factory=dict)
    permissions: frozenset[str] = frozenset()

    @property
    def fullname(self) -> str:
        return f"{self.firstname} {self.lastname}".strip()

    @property
    def is_agent(self) -> bool:
        """Whether it writes as an agent does; so does the system itself."""
        return "ticket.agent" in self.permissions or self.id == SYSTEM_USER


@dataclass(frozen=True, slots=True)
class Token:
    """An access token: it may do what its owner may, and of that no more than `permissions` (None: all of it)."""

    id: int
    user_id: int
    label: str
    permissions: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Group:
    id: int
    name: str
    created_at: datetime
    active: bool = True
    shared_drafts: bool = True
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    id: int
    filename: str
    data: bytes
    preferences: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Article:
    """One message of a ticket. Zammad lets nobody change it, `internal` apart."""

    id: int
    ticket_id: int
    type: str
    sender: str
    from_: str
    body: str
    content_type: str
    internal: bool
    created_by_id: int
    created_at: datetime
    subject: str | None = None
    to: str | None = None
    cc: str | None = None
    message_id: str | None = None
    in_reply_to: str | None = None
    origin_by_id: int | None = None
    preferences: Mapping[str, Any] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    updated_by_id: int = SYSTEM_USER


@dataclass(frozen=True, slots=True)
class NewArticle:
    """An article as its writer gives it, before Zammad's rules. The defaults are Zammad's: public and plain text."""

    body: str
    content_type: str = "text/plain"
    type: str = "note"
    sender: str | None = None
    internal: bool = False
    subject: str | None = None
    to: str | None = None
    cc: str | None = None
    message_id: str | None = None
    in_reply_to: str | None = None
    origin_by_id: int | None = None
    preferences: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[tuple[str, str, bytes], ...] = ()
    """Name, media type and bytes of each attachment."""


@dataclass(frozen=True, slots=True)
class Ticket:
    id: int
    title: str
    group_id: int
    customer_id: int
    create_article_type: str
    create_article_sender: str
    created_by_id: int
    updated_by_id: int
    created_at: datetime
    updated_at: datetime
    state: str = "new"
    priority: str = "2 normal"
    owner_id: int = SYSTEM_USER
    article_ids: tuple[int, ...] = ()
    article_count: int = 0
    preferences: Mapping[str, Any] = field(default_factory=dict)
    first_response_at: datetime | None = None
    close_at: datetime | None = None
    last_contact_at: datetime | None = None
    last_contact_agent_at: datetime | None = None
    last_contact_customer_at: datetime | None = None
    last_owner_update_at: datetime | None = None

    @property
    def number(self) -> str:
        return str(31000 + self.id)


@dataclass(frozen=True, slots=True)
class Draft:
    """The shared draft of a ticket: what an agent finds ready for the answer, and may take over."""

    id: int
    ticket_id: int
    new_article: Mapping[str, Any]
    ticket_attributes: Mapping[str, Any]
    created_by_id: int
    updated_by_id: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """What one transaction did to a ticket: it made or changed it, and `article` is what it added.

    `changed` names the columns that have another value than before.
    """

    action: Literal["create", "update"]
    ticket: Ticket
    article: Article | None = None
    changed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Notification:
    """What would have left the helpdesk: an `email`, or an `online` notification to a login."""

    channel: str
    to: str
    article_id: int
