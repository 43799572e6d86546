"""The helpdesk's data, in memory, for many threads: records are frozen, and every change is made under one lock."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from webhooks.demo.sandbox.knowledge import Knowledge
from webhooks.demo.sandbox.objects import Objects
from webhooks.demo.sandbox.people import People, utc_now
from webhooks.demo.sandbox.records import (
    SYSTEM_USER,
    Article,
    Attachment,
    Draft,
    Event,
    Group,
    NewArticle,
    Notification,
    Ticket,
    User,
)
from webhooks.demo.sandbox.rules import after, told, updated, written
from webhooks.demo.sandbox.versions import VERSIONS, Version

Listener = Callable[[Event], None]


class Store(People):
    """People, tickets, articles, and what an admin has set up.

    `zammad` is the version that the helpdesk speaks as, `notifications` all that would have been sent to somebody,
    and `version` counts the changes.
    """

    def __init__(self, clock: Callable[[], datetime] = utc_now, zammad: Version = VERSIONS["5.2"]) -> None:
        super().__init__(clock)
        self.zammad = zammad
        self.tickets: dict[int, Ticket] = {}
        self.articles: dict[int, Article] = {}
        self.drafts: dict[int, Draft] = {}
        """By ticket, which has one at most."""
        self.tags: dict[int, tuple[str, ...]] = {}
        """By ticket, which need not exist."""
        self.parents: dict[int, int] = {}
        """The ticket that another was merged into."""
        self.objects = Objects(zammad, clock)
        self.knowledge = Knowledge(clock)
        self.notifications: list[Notification] = []
        self.listeners: list[Listener] = []
        self.version = 0
        self._ticket_ids = itertools.count(1)
        self._article_ids = itertools.count(1)
        self._file_ids = itertools.count(1)
        self._draft_ids = itertools.count(1)

    def create_ticket(
        self, author: User, group: Group, customer: User, title: str, new: NewArticle, **values: Any
    ) -> Ticket:
        """A new ticket with its first article; `values` are further columns."""
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
                **values,
            )
            self.tickets[ticket.id] = ticket
            article = self._store(ticket, author, new)
            ticket = self.tickets[ticket.id]
        self._announce(Event("create", ticket, article))
        return ticket

    def add_article(self, author: User, ticket_id: int, new: NewArticle) -> Article:
        """A further article; raises KeyError if the ticket does not exist."""
        article = self.update_ticket(author, ticket_id, {}, new).article
        assert article is not None  # noqa: S101 - one was given
        return article

    def update_ticket(
        self,
        author: User,
        ticket_id: int,
        values: Mapping[str, Any],
        new: NewArticle | None = None,
        writer: User | None = None,
    ) -> Event:
        """Change columns of the ticket and add an article, in one transaction; KeyError if there is no such ticket.

        `writer` is who writes the article, if it is not the author of the change.
        """
        with self._lock:
            before = self.tickets[ticket_id]
            self.tickets[ticket_id] = updated(before, values, author, self.clock())
            article = self._store(self.tickets[ticket_id], writer or author, new) if new else None
            ticket = replace(self.tickets[ticket_id], updated_by_id=author.id)
            self.tickets[ticket_id] = ticket
            self.version += 1
        event = Event("update", ticket, article, _changed(before, ticket))
        self._announce(event)
        return event

    def set_state(self, ticket_id: int, state: str) -> None:
        """Put the ticket in a state, a key of `records.STATES`."""
        self.update_ticket(self.users[SYSTEM_USER], ticket_id, {"state": state})

    def merge(self, author: User, source_id: int, target_id: int) -> None:
        """Move the source's articles to the target; it is left `merged`, with a note that says so, under the target.

        app/models/ticket.rb, merge_to: moving articles is no event, and neither is the touch of the target.
        """
        with self._lock:
            source, target = self.tickets[source_id], self.tickets[target_id]
            for id in source.article_ids:
                self.articles[id] = replace(self.articles[id], ticket_id=target_id)
            self.tickets[target_id] = replace(
                target,
                article_ids=(*target.article_ids, *source.article_ids),
                article_count=target.article_count + source.article_count,
                updated_at=self.clock(),
            )
            self.tickets[source_id] = replace(source, article_ids=(), article_count=0)
            self.parents[source_id] = target_id
        self.update_ticket(author, source_id, {"state": "merged", "owner_id": SYSTEM_USER}, NewArticle("merged"))

    def show_article(self, author: User, article_id: int, *, internal: bool) -> Article:
        """Make an article internal or public, which is all that can be changed of one, and no event."""
        with self._lock:
            changed = replace(self.articles[article_id], internal=internal, updated_by_id=author.id)
            self.articles[article_id] = changed
            self.version += 1
            return changed

    def delete_article(self, article: Article) -> None:
        """Take an article away; its ticket keeps the count."""
        with self._lock:
            ticket = self.tickets[article.ticket_id]
            left = tuple(id for id in ticket.article_ids if id != article.id)
            self.tickets[ticket.id] = replace(ticket, article_ids=left)
            del self.articles[article.id]
            self.version += 1

    def delete_ticket(self, ticket_id: int) -> None:
        """Take a ticket away with all that hangs on it."""
        with self._lock:
            for id in self.tickets.pop(ticket_id).article_ids:
                del self.articles[id]
            self.drafts.pop(ticket_id, None)
            self.tags.pop(ticket_id, None)
            self.version += 1

    def write_draft(
        self, author: User, ticket_id: int, new_article: Mapping[str, Any], attributes: Mapping[str, Any] | None
    ) -> Draft:
        """Write the ticket's shared draft over whatever is there; attributes that are not given are kept."""
        now = self.clock()
        with self._lock:
            old = self.drafts.get(ticket_id)
            if old is None:
                draft = Draft(
                    next(self._draft_ids), ticket_id, new_article, attributes or {}, author.id, author.id, now, now
                )
            else:
                kept = old.ticket_attributes if attributes is None else attributes
                draft = replace(
                    old, new_article=new_article, ticket_attributes=kept, updated_by_id=author.id, updated_at=now
                )
            self.drafts[ticket_id] = draft
            self.version += 1
            return draft

    def delete_draft(self, ticket_id: int) -> Draft | None:
        """Take the ticket's shared draft away; None if there is none."""
        with self._lock:
            self.version += 1
            return self.drafts.pop(ticket_id, None)

    def tag(self, ticket_id: int, tag: str, *, remove: bool = False) -> None:
        """Put a tag on a ticket, or take it off; neither is an event, and twice is once."""
        with self._lock:
            others = tuple(name for name in self.tags.get(ticket_id, ()) if name != tag)
            self.tags[ticket_id] = others if remove else (*others, tag)

    def articles_of(self, ticket: Ticket) -> list[Article]:
        """The ticket's articles in the order in which they were written."""
        with self._lock:
            return [self.articles[id] for id in sorted(self.tickets[ticket.id].article_ids)]

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

    def _announce(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)


_COLUMNS = {"state": "state_id", "priority": "priority_id", "group_id": "group_id", "owner_id": "owner_id"}
_COLUMNS |= {"customer_id": "customer_id", "title": "title"}


def _changed(before: Ticket, after: Ticket) -> frozenset[str]:
    """The columns of which triggers hear that they have changed."""
    return frozenset(column for field, column in _COLUMNS.items() if getattr(before, field) != getattr(after, field))
