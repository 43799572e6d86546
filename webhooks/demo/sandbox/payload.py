"""What a delivery carries: the default payload, which nests objects where the API has names, or an admin's own."""

from __future__ import annotations

import json
import re
from typing import Any

from webhooks.demo.sandbox import shapes
from webhooks.demo.sandbox.records import Article, Group, Ticket, User
from webhooks.demo.sandbox.rules import MAIL_NAME
from webhooks.demo.sandbox.store import Store

Shape = dict[str, Any]

_ESCAPED = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
_PLACEHOLDER = re.compile(r"#\{([\w.]+)\}")


def delivery(
    store: Store, ticket_id: int, article_id: int | None, address: str, template: str | None = None
) -> bytes | None:
    """The body of a delivery as it is now, None if the ticket or the article is gone.

    `address` is the helpdesk's, `template` an admin's own payload. An event without an article carries an empty one.
    """
    ticket, article = store.tickets.get(ticket_id), store.articles.get(article_id or 0)
    if ticket is None or (article is None and article_id is not None):
        return None
    shape = {"ticket": _ticket(store, ticket), "article": _article(store, article, address) if article else {}}
    return encode(_filled(json.loads(template), shape) if template else shape)


def encode(shape: Any) -> bytes:
    """Compact JSON as Rails writes it: UTF-8 kept, and five characters escaped."""
    text = json.dumps(shape, ensure_ascii=False, separators=(",", ":"))
    return text.translate(_ESCAPED).encode()


def _filled(template: Any, shape: Shape) -> Any:
    """The template with its placeholders filled in. They stand in strings, so that ids become strings too."""
    if isinstance(template, dict):
        return {key: _filled(value, shape) for key, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, shape) for value in template]
    return (
        _PLACEHOLDER.sub(lambda found: _looked_up(found[1], shape), template) if isinstance(template, str) else template
    )


def _looked_up(path: str, shape: Shape) -> str:
    value: Any = shape
    for name in path.split("."):
        if isinstance(value, str) and name == "name":  # `article.sender.name`, where the payload has the name alone
            continue
        if name == "fullname" and isinstance(value, dict) and "firstname" in value:
            value = f"{value['firstname']} {value['lastname']}".strip()
            continue
        if not isinstance(value, dict) or name not in value:
            return f"#{{{path} / no such method}}"
        value = value[name]
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _person(store: Store, user: User) -> Shape:
    """A person in a delivery. `updated_at` moves between two attempts, so that their bytes differ, as was seen."""
    shape = shapes.person(store, user, store.clock())
    names: Shape = {"roles": list(user.roles), "organizations": [], "karma_user": [], "created_by": "-"}
    names |= {f"{key.removesuffix('_ids')}s": [] for key in store.zammad.person if key.endswith("_ids")}
    return shapes.current(store, shape | names | {"updated_by": "-"})


def _group(store: Store, group: Group) -> Shape:
    shape = shapes.group(store, group)
    names: Shape = {"users": [store.users[id].login for id in shape["user_ids"]], "created_by": "-", "updated_by": "-"}
    if shape["signature_id"]:
        names["signature"] = "Signature"
    return shape | names | ({"email_address": MAIL_NAME} if store.zammad.group else {})


def _ticket(store: Store, ticket: Ticket) -> Shape:
    shape = shapes.ticket(store, ticket, expand=True)
    people = {
        name: _person(store, store.users[shape[f"{name}_id"]])
        for name in ("owner", "customer", "created_by", "updated_by")
    }
    priority = shapes.priority(store, ticket.priority) | {"created_by": "-", "updated_by": "-"}
    shape |= people | {"group": _group(store, store.groups[ticket.group_id]), "priority": priority}
    return dict(sorted(shape.items())) | {"organization": {}}


def _article(store: Store, article: Article, address: str) -> Shape:
    shape = shapes.article(store, article)
    for file in shape["attachments"]:
        file["url"] = f"{address}/api/v1/ticket_attachment/{article.ticket_id}/{article.id}/{file['id']}"
    shape |= {name: _person(store, store.users[shape[f"{name}_id"]]) for name in ("created_by", "updated_by")}
    return dict(sorted(shape.items())) | {"accounted_time": 0}
