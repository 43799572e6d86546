"""The helpdesk's data, in memory, for many threads: records are frozen, and every change is made under one lock."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parseaddr

from webhooks.demo.sandbox.records import (
    SYSTEM_USER,
    Article,
    Attachment,
    Group,
    NewArticle,
    Notification,
    Ticket,
    User,
)
from webhooks.demo.sandbox.rules import after, told, written

Listener = Callable[[Ticket, Article], None]


def utc_now() -> datetime:
    """Now, with the milliseconds that Zammad keeps."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


class Store:
    """People, groups, tickets and articles. `notifications` is all that would have been sent to somebody."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self.clock = clock
        self.users: dict[int, User] = {}
        self.groups: dict[int, Group] = {}
        self.tickets: dict[int, Ticket] = {}
        self.articles: dict[int, Article] = {}
        self.tokens: dict[str, int] = {}
        self.notifications: list[Notification] = []
        self.listeners: list[Listener] = []
        self.version = 0
        self._lock = threading.RLock()
        self._user_ids = itertools.count(3)  # Zammad's seeds take 1, the system, and 2, a sample customer
        self._group_ids = itertools.count(1)
        self._ticket_ids = itertools.count(1)
        self._article_ids = itertools.count(1)
        self._file_ids = itertools.count(1)
        self.users[SYSTEM_USER] = User(SYSTEM_USER, "-", "-", "", "", (), clock())

    def add_group(self, name: str) -> Group:
        """A new group, without members."""
        with self._lock:
            group = Group(next(self._group_ids), name, self.clock())
            self.groups[group.id] = group
            return group

    def add_user(
        self, person: str, roles: tuple[str, ...], access: dict[int, tuple[str, ...]] | None = None, token: str = ""
    ) -> User:
        """A new person, given as `First Last <address>`; the address is the login. A token may be given to it."""
        name, email = parseaddr(person)
        name = name or email.partition("@")[0].replace(".", " ").title()
        first, _, last = name.partition(" ")
        with self._lock:
            user = User(next(self._user_ids), email, first, last, email, roles, self.clock(), access or {})
            self.users[user.id] = user
            if token:
                self.tokens[token] = user.id
            return user

    def customer(self, person: str) -> User:
        """The customer of that address, made on the fly as Zammad does for an unknown sender."""
        with self._lock:
            return self.user(parseaddr(person)[1]) or self.add_user(person, ("Customer",))

    def user(self, login: str) -> User | None:
        """The person of that login."""
        return next((user for user in list(self.users.values()) if user.login == login), None)

    def group(self, name: str) -> Group | None:
        """The group of that name."""
        return next((group for group in list(self.groups.values()) if group.name == name), None)

    def may(self, user: User, ticket: Ticket, right: str) -> bool:
        """Whether the user has that right on the ticket: an agent through the group, a customer as its customer."""
        if user.is_agent:
            return bool({right, "full"} & set(user.access.get(ticket.group_id, ())))
        return ticket.customer_id == user.id

    def create_ticket(self, author: User, group: Group, customer: User, title: str, new: NewArticle) -> Ticket:
        """A new ticket with its first article."""
        now = self.clock()
        with self._lock:
            ticket = Ticket(
                id=next(self._ticket_ids),
                title=title,
                group_id=group.id,
                customer_id=customer.id,
                create_article_type=new.type,
                create_article_sender=new.sender or ("Agent" if author.is_agent else "Customer"),
                created_by_id=author.id,
                updated_by_id=author.id,
                created_at=now,
                updated_at=now,
            )
            self.tickets[ticket.id] = ticket
            article = self._store(ticket, author, new)
        return self._announce(article)

    def add_article(self, author: User, ticket_id: int, new: NewArticle) -> Article:
        """A further article; raises KeyError if the ticket does not exist."""
        with self._lock:
            article = self._store(self.tickets[ticket_id], author, new)
        self._announce(article)
        return article

    def delete_article(self, article: Article) -> None:
        """Take an article away; its ticket keeps the count."""
        with self._lock:
            ticket = self.tickets[article.ticket_id]
            left = tuple(id for id in ticket.article_ids if id != article.id)
            self.tickets[ticket.id] = replace(ticket, article_ids=left)
            del self.articles[article.id]
            self.version += 1

    def set_state(self, ticket_id: int, state: str) -> None:
        """Put the ticket in a state, a key of `records.STATES`."""
        with self._lock:
            self.tickets[ticket_id] = replace(self.tickets[ticket_id], state=state, updated_at=self.clock())
            self.version += 1

    def articles_of(self, ticket: Ticket) -> list[Article]:
        """The ticket's articles in the order in which they were written."""
        with self._lock:
            return [self.articles[id] for id in self.tickets[ticket.id].article_ids]

    def _store(self, ticket: Ticket, author: User, new: NewArticle) -> Article:
        origin = self.users.get(new.origin_by_id or ticket.customer_id) if author.is_agent else author
        article = written(
            new, id=next(self._article_ids), ticket=ticket, author=author, origin=origin, now=self.clock()
        )
        article = replace(article, attachments=self._files(new.files))
        self.articles[article.id] = article
        self.tickets[ticket.id] = after(ticket, article)
        self.notifications += told(ticket, article, self.users.values())
        self.version += 1
        return article

    def _files(self, files: Iterable[tuple[str, str, bytes]]) -> tuple[Attachment, ...]:
        return tuple(
            Attachment(next(self._file_ids), name, data, {"Mime-Type": media_type}) for name, media_type, data in files
        )

    def _announce(self, article: Article) -> Ticket:
        ticket = self.tickets[article.ticket_id]
        for listener in self.listeners:
            listener(ticket, article)
        return ticket
