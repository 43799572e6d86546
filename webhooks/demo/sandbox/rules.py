"""What Zammad makes of an article: its author, its effects on the ticket, and whom it tells.

All of it was seen on a running Zammad 5.2; where a rule came from its source, the file is named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from webhooks.demo.sandbox.records import SYSTEM_USER, Article, NewArticle, Notification, Ticket, User
from webhooks.demo.sandbox.sanitiser import sanitise

MAIL_NAME = "Guichet numérique de Valbrume"
MAIL_ADDRESS = "guichet@valbrume.example"


def written(new: NewArticle, *, id: int, ticket: Ticket, author: User, origin: User | None, now: datetime) -> Article:
    """The article that is stored; `origin` is the ticket's customer, or who `origin_by_id` names.

    Its author cannot be forged: `from` is overwritten, and an `origin_by_id` makes it a customer's article
    (app/models/ticket/article/adds_metadata_general.rb and adds_metadata_origin_by.rb).
    """
    body = new.body.replace("\0", "")
    article = Article(
        id=id,
        ticket_id=ticket.id,
        type=new.type,
        sender=_sender(new, author),
        from_=author.fullname,
        body=sanitise(body) if new.content_type == "text/html" else body,
        content_type=new.content_type,
        internal=new.internal and author.is_agent,
        created_by_id=author.id,
        updated_by_id=author.id,
        created_at=now,
        subject=new.subject,
        to=new.to,
        cc=new.cc,
        message_id=new.message_id,
        in_reply_to=new.in_reply_to,
        preferences=new.preferences,
    )
    if article.type == "email":
        return _mailed(article, author)
    if article.sender == "Customer" and origin is not None and article.type in ("note", "phone", "web"):
        name = origin.fullname if article.type == "note" else f"{origin.fullname} <{origin.email}>"
        return replace(article, from_=name, origin_by_id=origin.id)
    return article


def _sender(new: NewArticle, author: User) -> str:
    if not author.is_agent or new.origin_by_id is not None:
        return "Customer"
    return new.sender or "Agent"


def _mailed(article: Article, author: User) -> Article:
    """An article as it stands once the mail has left, or has come in."""
    message_id = article.message_id or f"<{article.created_at:%Y%m%d%H%M%S}.{article.id}@valbrume.example>"
    if author.is_agent:
        sender = f'"{author.fullname} via {MAIL_NAME}" <{MAIL_ADDRESS}>'
        preferences: dict[str, Any] = {"email_address_id": 1, **article.preferences}
    else:
        sender = f'"{author.fullname}" <{author.email}>'
        preferences = {"send-auto-response": True, "is-auto-response": False, **article.preferences}
    return replace(
        article,
        from_=sender,
        to=article.to or (None if author.is_agent else MAIL_ADDRESS),
        subject=(article.subject or "").removeprefix("Re: ") or None,
        message_id=message_id,
        preferences=preferences,
    )


def message_id_md5(message_id: str | None) -> str | None:
    """What Zammad looks answers up by."""
    return hashlib.md5(message_id.encode(), usedforsecurity=False).hexdigest() if message_id else None


def updated(ticket: Ticket, values: Mapping[str, Any], author: User, now: datetime) -> Ticket:
    """The ticket with those columns changed, and the times that follow from them."""
    if not values:
        return ticket
    changed = replace(ticket, **values, updated_by_id=author.id, updated_at=now)
    if changed.owner_id != ticket.owner_id:
        changed = replace(changed, last_owner_update_at=now)
    if changed.state == "closed" != ticket.state:
        changed = replace(changed, close_at=ticket.close_at or now)
    return changed


def after(ticket: Ticket, article: Article) -> Ticket:
    """The ticket once it holds the article.

    A note moves nothing but the count, and a note of sender System not even that. A customer's second message in a
    row is no new contact, and a message over the API does not reopen a closed ticket.
    """
    now = article.created_at
    ticket = replace(
        ticket,
        article_ids=(*ticket.article_ids, article.id),
        article_count=ticket.article_count + (article.sender != "System"),
        updated_at=now,
        updated_by_id=article.created_by_id,
    )
    if article.internal or article.type == "note" or article.sender == "System":
        return ticket
    if article.sender == "Agent":
        return replace(
            ticket,
            state="open" if ticket.state == "new" else ticket.state,
            first_response_at=ticket.first_response_at or now,
            last_contact_at=now,
            last_contact_agent_at=now,
            last_owner_update_at=ticket.last_owner_update_at or now,
        )
    answered, asked = ticket.last_contact_agent_at, ticket.last_contact_customer_at
    if asked is None or (answered is not None and answered >= asked):
        return replace(ticket, last_contact_at=now, last_contact_customer_at=now)
    return ticket


def told(ticket: Ticket, article: Article, users: Iterable[User]) -> Iterator[Notification]:
    """Whom the article tells, with the settings that Zammad starts with.

    Agents with full access hear of every article on a ticket that nobody owns, online and by e-mail, notes of sender
    System apart: those are silent. An agent's e-mail goes to those it is addressed to.
    """
    if article.type == "email" and article.sender == "Agent" and article.to:
        yield Notification("email", article.to, article.id)
    if article.sender == "System" and article.type == "note" and not article.preferences.get("notification"):
        return
    for user in users:
        concerned = ticket.owner_id in (SYSTEM_USER, user.id) and "full" in user.rights.get(ticket.group_id, ())
        if concerned and user.id != article.created_by_id:
            yield Notification("online", user.login, article.id)
            yield Notification("email", user.email, article.id)
