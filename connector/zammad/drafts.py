"""Zammad's shared draft: one for each ticket, which an agent puts into the reply with two clicks, and alone may send.

Facts, seen in 5.2: PUT creates or overwrites whatever is there, also a colleague's draft, and answers with the groups,
whose `shared_drafts` it does not enforce; DELETE of none is a 500; the body is shown as it is, scripts included. So we
look before we write, go by `updated_by_id`, and put in nothing but our own allow-listed HTML. Zammad adds the group's
signature itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import formataddr, parseaddr
from http import HTTPStatus
from typing import Annotated, NamedTuple

from pydantic import BaseModel, BeforeValidator, Field

from connector.errors import RemoteError
from connector.markup import render_reply
from connector.rest import Rest
from connector.robots import is_robot
from connector.ticket import Note, Ticket
from connector.zammad.answers import MARKER, Article, read
from connector.zammad.notes import articles


class _Draft(BaseModel):
    created_by_id: int | None = None
    updated_by_id: int | None = None


class _Group(BaseModel):
    name: str = ""
    shared_drafts: bool = True


class _Assets(BaseModel):
    drafts: dict[int, _Draft] = Field(default={}, alias="TicketSharedDraftZoom")
    groups: dict[int, _Group] = Field(default={}, alias="Group")


class _Answer(BaseModel):
    shared_draft_id: int | None
    assets: Annotated[_Assets, BeforeValidator(lambda value: value or {})] = _Assets()

    def is_only_by(self, account_id: int) -> bool:
        """Whether nobody but that account has had a hand in the draft; False where the answer does not say who has."""
        draft = self.assets.drafts.get(self.shared_draft_id or 0)
        return draft is not None and {draft.created_by_id, draft.updated_by_id} == {account_id}

    def is_wanted_in(self, group: str) -> bool:
        """Whether the group shows shared drafts; one that the answer does not carry does, as Zammad's default is."""
        return next((one.shared_drafts for one in self.assets.groups.values() if one.name == group), True)


class _Recipient(NamedTuple):
    """Whom the draft is addressed to, and what it goes on from."""

    address: tuple[str, str]
    subject: str
    in_reply_to: str


def offer(rest: Rest, ticket: Ticket, note: Note, *, answers: str, account_id: int) -> bool | None:
    """Put the note's reply there. False: nobody to write to, or a person's draft is there. None: not in this group.

    `answers` is the id of the message that it answers. Raises `RemoteError`.
    """
    recipient = _recipient(ticket, articles(rest, ticket.id), answers)
    path = _path(ticket.id)
    if recipient is None or not _is_ours_to_write(_look(rest, ticket.id), account_id):
        return False
    new_article = {
        # the classic pages read `type`, the new ones `articleType`
        **dict.fromkeys(("type", "articleType"), "email"),
        "type_id": 1,
        "sender_id": 1,
        "ticket_id": int(ticket.id),
        "to": formataddr(recipient.address),
        "cc": "",
        "subject": recipient.subject,
        "in_reply_to": recipient.in_reply_to,
        "internal": False,
        "subtype": "",
        "content_type": "text/html",
        "body": render_reply(note),
        "preferences": {MARKER: {"reference": note.reference}},
    }
    # no ticket attributes: applied with the draft, they would change owner, group or state
    answer = rest.put(path, {"new_article": new_article, "ticket_attributes": {}}).json
    if read(_Answer, answer, source=f"{rest.name}: {path}").is_wanted_in(ticket.group):
        return True
    rest.delete(path)
    return None


def withdraw(rest: Rest, ticket_id: str, *, account_id: int) -> bool:
    """Take our draft away, unless a person has had a hand in it; whether one was taken away."""
    if not _look(rest, ticket_id).is_only_by(account_id):
        return False
    try:
        rest.delete(_path(ticket_id))
    except RemoteError as error:
        if error.status != HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        return False  # an agent has sent it, or thrown it away, since we looked
    return True


def _look(rest: Rest, ticket_id: str) -> _Answer:
    return read(_Answer, rest.get(_path(ticket_id)).json, source=f"{rest.name}: {_path(ticket_id)}")


def _is_ours_to_write(there: _Answer, account_id: int) -> bool:
    return there.shared_draft_id is None or there.is_only_by(account_id)


def _path(ticket_id: str) -> str:
    return f"tickets/{ticket_id}/shared_draft"


def _recipient(ticket: Ticket, all_articles: Iterable[Article], answers: str) -> _Recipient | None:
    """Who wrote the message that is answered. A call has no address: then who wrote last, or the ticket's customer."""
    by_people = [message.id for message in ticket.messages if message.from_citizen and not message.automatic]
    by_id = {str(article.id): article for article in all_articles}
    for id in (answers, *reversed(by_people)):
        article = by_id.get(id)
        address = _address(article.reply_to, article.origin) if article else None
        if article and address:
            return _Recipient(address, article.subject or "", article.message_id or "")
    address = _address(ticket.customer.email)
    return _Recipient((ticket.customer.name, address[1]), ticket.title, "") if address else None


def _address(*lines: str | None) -> tuple[str, str] | None:
    """Name and address of the first line that names a person's mailbox."""
    parsed = (parseaddr(line or "") for line in lines)
    return next((one for one in parsed if "@" in one[1] and not is_robot(one[1])), None)
