"""Records as Zammad 5.2 shows them: by its API, and in its deliveries, which nest objects where the API has names."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from webhooks.demo.sandbox.records import ROLES, SENDERS, STATES, TYPES, Article, Attachment, Group, Ticket, User
from webhooks.demo.sandbox.rules import message_id_md5
from webhooks.demo.sandbox.store import Store

Shape = dict[str, Any]

_EMPTY_PERSON: Shape = {
    **dict.fromkeys(("web", "phone", "fax", "mobile", "street", "zip", "city", "country", "note"), ""),
    **dict.fromkeys(("organization_id", "image", "image_source", "department", "address", "source")),
    **dict.fromkeys(("vip", "verified", "out_of_office"), False),
    **dict.fromkeys(("out_of_office_start_at", "out_of_office_end_at", "out_of_office_replacement_id")),
    "organization_ids": [],
    "karma_user_ids": [],
}
# fmt: off
_EMPTY_TICKET: Shape = dict.fromkeys((
    "organization_id", "note", "first_response_escalation_at", "first_response_in_min",
    "first_response_diff_in_min", "close_at", "close_escalation_at", "close_in_min",
    "close_diff_in_min", "update_escalation_at", "update_in_min", "update_diff_in_min",
    "escalation_at", "pending_time", "type", "time_unit",
))
# fmt: on


def stamp(moment: datetime | None) -> str | None:
    """A time as Zammad writes it: UTC with milliseconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z" if moment else None


def ticket(store: Store, ticket: Ticket, *, expand: bool = False) -> Shape:
    """`GET /tickets/{id}`; `expand` adds the names."""
    shape: Shape = {
        **_EMPTY_TICKET,
        "id": ticket.id,
        "group_id": ticket.group_id,
        "priority_id": 2,
        "state_id": STATES[ticket.state],
        "number": ticket.number,
        "title": ticket.title,
        "owner_id": ticket.owner_id,
        "customer_id": ticket.customer_id,
        "first_response_at": stamp(ticket.first_response_at),
        "last_contact_at": stamp(ticket.last_contact_at),
        "last_contact_agent_at": stamp(ticket.last_contact_agent_at),
        "last_contact_customer_at": stamp(ticket.last_contact_customer_at),
        "last_owner_update_at": stamp(ticket.last_owner_update_at),
        "create_article_type_id": TYPES[ticket.create_article_type],
        "create_article_sender_id": SENDERS[ticket.create_article_sender],
        "article_count": ticket.article_count,
        "preferences": {},
        "updated_by_id": ticket.updated_by_id,
        "created_by_id": ticket.created_by_id,
        "created_at": stamp(ticket.created_at),
        "updated_at": stamp(ticket.updated_at),
    }
    if expand:
        shape |= _associations(ticket) | {
            "group": store.groups[ticket.group_id].name,
            "priority": "2 normal",
            **{
                name: store.users[shape[f"{name}_id"]].login
                for name in ("owner", "customer", "created_by", "updated_by")
            },
            "ticket_time_accounting": [],
            "state": ticket.state,
            "create_article_type": ticket.create_article_type,
            "create_article_sender": ticket.create_article_sender,
        }
    return shape


def created_ticket(store: Store, record: Ticket) -> Shape:
    """The answer to `POST /tickets`."""
    return ticket(store, record) | _associations(record)


def _associations(ticket: Ticket) -> Shape:
    return {"article_ids": list(ticket.article_ids), "ticket_time_accounting_ids": []}


def article(store: Store, article: Article) -> Shape:
    """An article as every article call of the API shows it."""
    shape = {
        "id": article.id,
        "ticket_id": article.ticket_id,
        "type_id": TYPES[article.type],
        "sender_id": SENDERS[article.sender],
        "from": article.from_,
        "to": article.to,
        "cc": article.cc,
        "subject": article.subject,
        "reply_to": None,
        "message_id": article.message_id,
        "message_id_md5": message_id_md5(article.message_id),
        "in_reply_to": article.in_reply_to,
        "content_type": article.content_type,
        "references": None,
        "body": article.body,
        "internal": article.internal,
        "preferences": article.preferences,
        "updated_by_id": article.created_by_id,
        "created_by_id": article.created_by_id,
        "origin_by_id": article.origin_by_id,
        "created_at": stamp(article.created_at),
        "updated_at": stamp(article.created_at),
        "attachments": [_attachment(file) for file in article.attachments],
        "type": article.type,
        "sender": article.sender,
        "created_by": store.users[article.created_by_id].login,
        "updated_by": store.users[article.created_by_id].login,
    }
    if article.origin_by_id is not None:
        shape["origin_by"] = store.users[article.origin_by_id].login
    return shape


def _attachment(file: Attachment) -> Shape:
    """The size is text, as Zammad has it."""
    return {
        "id": file.id,
        "store_file_id": file.id,
        "filename": file.filename,
        "size": str(len(file.data)),
        "preferences": file.preferences,
    }


def _person(user: User, updated_at: datetime) -> Shape:
    return _EMPTY_PERSON | {
        "id": user.id,
        "login": user.login,
        "firstname": user.firstname,
        "lastname": user.lastname,
        "email": user.email,
        "active": user.login != "-",
        "role_ids": [ROLES[role] for role in user.roles],
        "created_by_id": 1,
        "updated_by_id": 1,
        "created_at": stamp(user.created_at),
        "updated_at": stamp(updated_at),
    }


def me(store: Store, user: User, *, expand: bool) -> Shape:
    """`GET /users/me`; with `expand` the rights in each group by its name as well."""
    names = {store.groups[group].name: sorted(rights) for group, rights in user.access.items()}
    return (
        _person(user, user.created_at)
        | ({"groups": names} if expand else {})
        | {
            "last_login": stamp(store.clock()),
            "login_failed": 0,
            "preferences": {},
            "authorization_ids": [],
            "group_ids": {str(group): sorted(rights) for group, rights in user.access.items()},
        }
    )


def _nested_person(store: Store, user: User) -> Shape:
    """A person in a delivery. `updated_at` moves between two attempts, so that their bytes differ, as was seen."""
    names = {"roles": list(user.roles), "organizations": [], "karma_user": [], "created_by": "-", "updated_by": "-"}
    return _person(user, store.clock()) | names


def _nested_group(store: Store, group: Group) -> Shape:
    """A group in a delivery. It lists its members once for each of their rights."""
    members = [user for user in list(store.users.values()) for _ in user.access.get(group.id, ())]
    return {
        "id": group.id,
        "name": group.name,
        "active": True,
        "assignment_timeout": None,
        "follow_up_possible": "yes",
        "follow_up_assignment": True,
        "email_address_id": 1,
        "signature_id": None,
        "note": None,
        "shared_drafts": True,
        "user_ids": [user.id for user in members],
        "users": [user.login for user in members],
        **_written_by_the_system(group.created_at),
    }


def _written_by_the_system(moment: datetime) -> Shape:
    names = {"created_by_id": 1, "updated_by_id": 1, "created_by": "-", "updated_by": "-"}
    return names | {"created_at": stamp(moment), "updated_at": stamp(moment)}


def delivery(store: Store, ticket_id: int, article_id: int, address: str) -> bytes | None:
    """The body of a delivery as it is now, None if the ticket or the article is gone. `address` is the helpdesk's."""
    record, message = store.tickets.get(ticket_id), store.articles.get(article_id)
    if record is None or message is None:
        return None
    return encode({"ticket": _nested_ticket(store, record), "article": _nested_article(store, message, address)})


def _nested_ticket(store: Store, record: Ticket) -> Shape:
    group = store.groups[record.group_id]
    priority = {"id": 2, "name": "2 normal", "default_create": True, "active": True, "note": None}
    priority |= {"ui_color": None, "ui_icon": None} | _written_by_the_system(group.created_at)
    shape = ticket(store, record, expand=True)
    people = {
        name: _nested_person(store, store.users[shape[f"{name}_id"]])
        for name in ("owner", "customer", "created_by", "updated_by")
    }
    shape |= people | {"group": _nested_group(store, group), "priority": priority}
    return dict(sorted(shape.items())) | {"organization": {}}


def _nested_article(store: Store, record: Article, address: str) -> Shape:
    shape = article(store, record)
    for file in shape["attachments"]:
        file["url"] = f"{address}/api/v1/ticket_attachment/{record.ticket_id}/{record.id}/{file['id']}"
    author = _nested_person(store, store.users[record.created_by_id])
    shape |= {"created_by": author, "updated_by": author}
    return dict(sorted(shape.items())) | {"accounted_time": 0}


_ESCAPED = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def encode(shape: Shape) -> bytes:
    """Compact JSON as Rails writes it: UTF-8 kept, and five characters escaped."""
    text = json.dumps(shape, ensure_ascii=False, separators=(",", ":"))
    return text.translate(_ESCAPED).encode()
