"""Deliveries of Zammad's webhook: bytes in, an event out. No I/O.

Signature: `X-Hub-Signature: sha1=<hex>`, HMAC-SHA1 of the raw body (https://admin-docs.zammad.org/en/latest/manage/webhook.html;
seen in Zammad 5.2). Two payloads are read alike: the default one, with the whole ticket and article, and the minimal
custom one (since Zammad 6.0), in which every value is a string:

    {"ticket": {"id": "#{ticket.id}"},
     "article": {"id": "#{article.id}", "sender": "#{article.sender.name}", "internal": "#{article.internal}",
                 "subject": "#{article.subject}"}}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from connector.commands import ADDRESS
from connector.errors import Refused
from connector.signature import is_signed
from connector.ticket import Event, EventKind
from connector.zammad.macros import macro_of

_DELIVERY = re.compile(r"[A-Za-z0-9-]{1,64}")

Id = Annotated[int, Field(strict=True, gt=0, lt=2**63)] | Annotated[str, Field(pattern=r"^[1-9][0-9]{0,18}$")]


class _Ticket(BaseModel):
    id: Id
    updated_at: str = ""


class _Article(BaseModel):
    id: Id
    sender: str
    internal: bool
    subject: str | None = None
    body: str | None = None
    preferences: Annotated[dict[str, Any], BeforeValidator(lambda value: value or {})] = {}


class _Payload(BaseModel):
    ticket: _Ticket
    article: Annotated[_Article | None, BeforeValidator(lambda value: None if _is_none(value) else value)]


def _is_none(article: Any) -> bool:
    """An update without an article comes with `"article": {}`, or with a placeholder that was not filled in.

    It then reads `#{article.id / no such method}` (app/jobs/trigger_webhook_job/custom_payload/validator.rb, 2024).
    """
    if not isinstance(article, dict):
        return False
    id = article.get("id")
    return not article or id in ("", "-") or (isinstance(id, str) and id.startswith("#{"))


def read_event(helpdesk: str, secrets: Iterable[str], headers: Mapping[str, str], body: bytes) -> Event | None:
    """What a delivery announces, None if it is nothing to us.

    A delivery is only a hint: what is to be done is decided on the ticket as it is when it is fetched.
    Raises `Refused`, 401 if no secret signed these bytes, 400 if they are no payload of Zammad.
    """
    algorithm, _, signature = headers.get("x-hub-signature", "").partition("=")
    if algorithm != "sha1" or not is_signed(body, signature, secrets, digest="sha1"):
        raise Refused(f"helpdesks.{helpdesk}: the delivery is not signed with our webhook_secret", status=401)
    payload = _parse(helpdesk, body)
    found = _DELIVERY.fullmatch(headers.get("x-zammad-delivery", ""))
    delivery = found[0] if found else None
    ticket = str(payload.ticket.id)
    if payload.article is None:
        change = f"ticket-{ticket}@{payload.ticket.updated_at or delivery}"
        return Event(helpdesk, ticket, change[:80], EventKind.TICKET, delivery)
    kind = _kind(payload.article)
    return Event(helpdesk, ticket, str(payload.article.id), kind, delivery) if kind else None


def _parse(helpdesk: str, body: bytes) -> _Payload:
    try:
        # Its parser bounds the depth, and refuses what is not UTF-8.
        return _Payload.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise Refused(f"helpdesks.{helpdesk}: not a payload of Zammad: {where}: {first['msg']}", status=400) from None


def _kind(article: _Article) -> EventKind | None:
    """By Zammad's own words, never translated; what is new or unknown is nothing to us.

    Ours comes first: our note explains `@greffier`, and would call us. Then a macro, whose note is an agent's or the
    system's.
    """
    if "greffier" in article.preferences:
        return None
    if article.internal:
        return EventKind.COMMAND if _may_call_us(article) else None
    return {"Customer": EventKind.MESSAGE, "Agent": EventKind.REPLY}.get(article.sender)


def _may_call_us(note: _Article) -> bool:
    """Where a payload leaves the body out, any note of an agent may: it is read once the ticket is fetched."""
    if macro_of(note.subject):
        return note.sender != "Customer"
    return note.sender == "Agent" and (note.body is None or ADDRESS in note.body.lower())
