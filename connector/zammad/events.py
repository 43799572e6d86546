"""Deliveries of Zammad's webhook: bytes in, an event out. No I/O.

Signature: `X-Hub-Signature: sha1=<hex>`, HMAC-SHA1 of the raw body (https://admin-docs.zammad.org/en/latest/manage/webhook.html;
seen in Zammad 5.2). Two payloads are read alike: the default one, with the whole ticket and article, and the minimal
custom one (since Zammad 6.0), in which every value is a string:

    {"ticket": {"id": "#{ticket.id}"},
     "article": {"id": "#{article.id}", "sender": "#{article.sender.name}", "internal": "#{article.internal}"}}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from connector.errors import Refused
from connector.signature import is_signed
from connector.ticket import Event

_DELIVERY = re.compile(r"[A-Za-z0-9-]{1,64}")

Id = Annotated[int, Field(strict=True, gt=0, lt=2**63)] | Annotated[str, Field(pattern=r"^[1-9][0-9]{0,18}$")]


class _Ticket(BaseModel):
    id: Id


class _Article(BaseModel):
    id: Id
    sender: str
    internal: bool
    preferences: Annotated[dict[str, Any], BeforeValidator(lambda value: value or {})] = {}


class _Payload(BaseModel):
    ticket: _Ticket
    # An update without an article comes with `"article": {}`.
    article: Annotated[_Article | None, BeforeValidator(lambda value: None if value == {} else value)]


def read_event(helpdesk: str, secrets: Iterable[str], headers: Mapping[str, str], body: bytes) -> Event | None:
    """The message of a customer that a delivery announces, None if it announces none.

    A delivery is only a hint: whether the message wants a draft is decided on the ticket as it is when it is fetched.
    Raises `Refused`, 401 if no secret signed these bytes, 400 if they are no payload of Zammad.
    """
    algorithm, _, signature = headers.get("x-hub-signature", "").partition("=")
    if algorithm != "sha1" or not is_signed(body, signature, secrets, digest="sha1"):
        raise Refused(f"helpdesks.{helpdesk}: the delivery is not signed with our webhook_secret", status=401)
    payload = _parse(helpdesk, body)
    if payload.article is None or not _is_from_customer(payload.article):
        return None
    delivery = _DELIVERY.fullmatch(headers.get("x-zammad-delivery", ""))
    return Event(
        helpdesk=helpdesk,
        ticket=str(payload.ticket.id),
        message=str(payload.article.id),
        delivery=delivery[0] if delivery else None,
    )


def _parse(helpdesk: str, body: bytes) -> _Payload:
    try:
        # Its parser bounds the depth, and refuses what is not UTF-8.
        return _Payload.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise Refused(f"helpdesks.{helpdesk}: not a payload of Zammad: {where}: {first['msg']}", status=400) from None


def _is_from_customer(article: _Article) -> bool:
    # Zammad's own word, never translated; whatever is new or unknown is not a customer.
    if article.sender != "Customer" or article.internal:
        return False
    return "greffier" not in article.preferences and article.preferences.get("is-auto-response") is not True
