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
from typing import Any

from pydantic import BaseModel

from connector.errors import RemoteError
from connector.markup import render_reply
from connector.rest import Rest
from connector.ticket import Note, Role
from connector.zammad.answers import MARKER, Article, read
from connector.zammad.notes import articles


class _Draft(BaseModel):
    created_by_id: int
    updated_by_id: int


class _Group(BaseModel):
    name: str
    shared_drafts: bool = True


class _Answer(BaseModel):
    shared_draft_id: int | None
    assets: dict[str, dict[str, Any]] | None = None

    def is_only_by(self, account_id: int) -> bool:
        """Whether nobody but that account has had a hand in the draft."""
        draft = _Draft.model_validate((self.assets or {})["TicketSharedDraftZoom"][str(self.shared_draft_id)])
        return {draft.created_by_id, draft.updated_by_id} == {account_id}

    def is_wanted_in(self, group: str) -> bool:
        """Whether the group shows shared drafts; one that the answer does not carry does, as Zammad's default is."""
        groups = (_Group.model_validate(group) for group in (self.assets or {}).get("Group", {}).values())
        return next((one.shared_drafts for one in groups if one.name == group), True)


def offer(rest: Rest, ticket_id: str, group: str, note: Note, *, account_id: int) -> bool | None:
    """Put the note's reply there. False: nobody to write to, or a person's draft is there. None: not in this group."""
    asked = _last_of_the_customer(articles(rest, ticket_id))
    address = parseaddr(asked.reply_to or asked.origin or "") if asked else ("", "")
    there = _look(rest, ticket_id)
    if asked is None or "@" not in address[1] or not _is_ours_to_write(there, account_id):
        return False
    new_article = {
        # the classic pages read `type`, the new ones `articleType`
        **dict.fromkeys(("type", "articleType"), "email"),
        "type_id": 1,
        "sender_id": 1,
        "ticket_id": int(ticket_id),
        "to": formataddr(address),
        "cc": "",
        "subject": asked.subject or "",
        "in_reply_to": asked.message_id or "",
        "internal": False,
        "subtype": "",
        "content_type": "text/html",
        "body": render_reply(note),
        "preferences": {MARKER: {"reference": note.reference}},
    }
    path = _path(ticket_id)
    # no ticket attributes: applied with the draft, they would change owner, group or state
    answer = rest.put(path, {"new_article": new_article, "ticket_attributes": {}}).json
    if read(_Answer, answer, source=f"{rest.name}: {path}").is_wanted_in(group):
        return True
    rest.delete(path)
    return None


def withdraw(rest: Rest, ticket_id: str, *, account_id: int) -> bool:
    """Take our draft away, unless a person has had a hand in it; whether one was taken away."""
    there = _look(rest, ticket_id)
    if there.shared_draft_id is None or not there.is_only_by(account_id):
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


def _last_of_the_customer(all_articles: Iterable[Article]) -> Article | None:
    theirs = [article for article in all_articles if article.role is Role.CUSTOMER and not article.internal]
    return max(theirs, key=lambda article: (article.created_at, article.id), default=None)
