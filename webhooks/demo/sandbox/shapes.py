"""Records as Zammad's API shows them, in the columns of the version that the store speaks as."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from webhooks.demo.sandbox.objects import MASK, SECRETS
from webhooks.demo.sandbox.people import PERMISSIONS
from webhooks.demo.sandbox.records import (
    PRIORITIES,
    SENDERS,
    STATES,
    SYSTEM_USER,
    TYPES,
    Article,
    Attachment,
    Draft,
    Group,
    Role,
    Ticket,
    Token,
    User,
)
from webhooks.demo.sandbox.rules import message_id_md5
from webhooks.demo.sandbox.store import Store
from webhooks.demo.sandbox.webhook import Exchange

Shape = dict[str, Any]

_LOGGED = 8000
"""Characters that Zammad's log keeps of a request, and of an answer."""

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
    "first_response_diff_in_min", "close_escalation_at", "close_in_min",
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
        "priority_id": PRIORITIES[ticket.priority],
        "state_id": STATES[ticket.state],
        "number": ticket.number,
        "title": ticket.title,
        "owner_id": ticket.owner_id,
        "customer_id": ticket.customer_id,
        "first_response_at": stamp(ticket.first_response_at),
        "close_at": stamp(ticket.close_at),
        "last_contact_at": stamp(ticket.last_contact_at),
        "last_contact_agent_at": stamp(ticket.last_contact_agent_at),
        "last_contact_customer_at": stamp(ticket.last_contact_customer_at),
        "last_owner_update_at": stamp(ticket.last_owner_update_at),
        "create_article_type_id": TYPES[ticket.create_article_type],
        "create_article_sender_id": SENDERS[ticket.create_article_sender],
        "article_count": ticket.article_count,
        "preferences": ticket.preferences,
        "updated_by_id": ticket.updated_by_id,
        "created_by_id": ticket.created_by_id,
        "created_at": stamp(ticket.created_at),
        "updated_at": stamp(ticket.updated_at),
        **store.zammad.ticket,
    }
    if expand:
        shape |= _associations(store, ticket) | {
            "group": store.groups[ticket.group_id].name,
            "priority": ticket.priority,
            **{name: _login(store, shape[f"{name}_id"]) for name in ("owner", "customer", "created_by", "updated_by")},
            "ticket_time_accounting": [],
            "state": ticket.state,
            "create_article_type": ticket.create_article_type,
            "create_article_sender": ticket.create_article_sender,
        }
    return shape


def created_ticket(store: Store, record: Ticket) -> Shape:
    """The answer to `POST /tickets`."""
    return ticket(store, record) | _associations(store, record)


def _associations(store: Store, ticket: Ticket) -> Shape:
    ids = {"article_ids": list(ticket.article_ids), "ticket_time_accounting_ids": []}
    return ids | dict(store.zammad.ticket_associations)


def _login(store: Store, user_id: int) -> str:
    return store.users[user_id].login


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
        "updated_by_id": article.updated_by_id,
        "created_by_id": article.created_by_id,
        "origin_by_id": article.origin_by_id,
        "created_at": stamp(article.created_at),
        "updated_at": stamp(article.created_at),
        "attachments": [_attachment(file) for file in article.attachments if _listed(store, file)],
        "type": article.type,
        "sender": article.sender,
        "created_by": _login(store, article.created_by_id),
        "updated_by": _login(store, article.updated_by_id),
        **store.zammad.article,
    }
    if article.origin_by_id is not None:
        shape["origin_by"] = _login(store, article.origin_by_id)
    return current(store, shape)


def current(store: Store, shape: Shape) -> Shape:
    """The shape without the columns that the version no longer has."""
    return {key: value for key, value in shape.items() if key not in store.zammad.dropped}


def _listed(store: Store, file: Attachment) -> bool:
    return not (store.zammad.hides_inline and "Content-ID" in file.preferences)


def _attachment(file: Attachment) -> Shape:
    """The size is text, as Zammad has it."""
    return {
        "id": file.id,
        "store_file_id": file.id,
        "filename": file.filename,
        "size": str(len(file.data)),
        "preferences": file.preferences,
    }


def person(store: Store, user: User, updated_at: datetime) -> Shape:
    """What every call and every delivery shows of somebody."""
    shape = _EMPTY_PERSON | {
        "id": user.id,
        "login": user.login,
        "firstname": user.firstname,
        "lastname": user.lastname,
        "email": user.email,
        "active": user.active,
        "note": user.note,
        "role_ids": [role.id for role in store.roles.values() if role.name in user.roles],
        "created_by_id": 1,
        "updated_by_id": 1,
        "created_at": stamp(user.created_at),
        "updated_at": stamp(updated_at),
    }
    if user.id == SYSTEM_USER and not store.zammad.person:  # seen in 5.2
        shape |= {"address": "", "department": ""}
    return current(store, shape | dict(store.zammad.person))


def user(store: Store, user: User, *, expand: bool = False) -> Shape:
    """A person by the API; with `expand` the rights in each group by its name, and the roles by theirs."""
    names = {store.groups[group].name: sorted(rights) for group, rights in user.access.items() if group in store.groups}
    return (
        person(store, user, user.created_at)
        | ({"groups": names, "roles": list(user.roles), "organizations": []} if expand else {})
        | {
            "last_login": stamp(store.clock()) if user.id != SYSTEM_USER else None,
            "login_failed": 0,
            "preferences": {},
            "authorization_ids": [],
            "group_ids": {str(group): sorted(rights) for group, rights in user.access.items()},
        }
    )


def group(store: Store, group: Group) -> Shape:
    """A group. It lists its members, in 5.2 once for each of their rights."""
    ids = []
    for user in list(store.users.values()):
        times = len(user.access.get(group.id, ())) if store.zammad.repeats_members else group.id in user.access
        ids += [user.id] * times
    shape = {
        "id": group.id,
        "signature_id": 1 if group.id == 1 else None,
        "email_address_id": 1,
        "name": group.name,
        "assignment_timeout": None,
        "follow_up_possible": "yes",
        "follow_up_assignment": True,
        "active": group.active,
        "shared_drafts": group.shared_drafts,
        "note": group.note,
        **_by_the_system(group.created_at),
        "user_ids": ids,
        **store.zammad.group,
    }
    return shape | ({"name_last": group.name.rpartition("::")[2]} if store.zammad.group else {})


def role(store: Store, role: Role, *, expand: bool = False) -> Shape:
    """A role; with `expand` its permissions and groups by name (application_model/can_associations.rb)."""
    names = {store.groups[group].name: list(rights) for group, rights in role.access.items()}
    return {
        "id": role.id,
        "name": role.name,
        "preferences": {},
        "default_at_signup": role.name == "Customer",
        "active": role.active,
        "note": role.note,
        **_by_the_system(role.created_at),
        "permission_ids": sorted(PERMISSIONS[name] for name in role.permissions),
        "knowledge_base_permission_ids": [],
        "group_ids": {str(group): list(rights) for group, rights in role.access.items()},
    } | ({"permissions": list(role.permissions), "groups": names} if expand else {})


def permissions() -> list[Shape]:
    """The permissions there are, as the page for new tokens gets them."""
    return [{"id": id, "name": name, "active": True} for name, id in PERMISSIONS.items()]


def token(store: Store, token: Token) -> Shape:
    """A token as its owner sees it later, without the token itself."""
    name = store.zammad.token_words[0]
    permission = list(token.permissions) if token.permissions is not None else []
    return {"id": token.id, name: token.label, "preferences": {"permission": permission}, "expires_at": None}


def draft(draft: Draft) -> Shape:
    """A shared draft among the assets of an answer."""
    return {
        "id": draft.id,
        "ticket_id": draft.ticket_id,
        "new_article": draft.new_article,
        "ticket_attributes": draft.ticket_attributes,
        "created_by_id": draft.created_by_id,
        "updated_by_id": draft.updated_by_id,
        "created_at": stamp(draft.created_at),
        "updated_at": stamp(draft.updated_at),
    }


def assets(store: Store, user_ids: Iterable[int]) -> Shape:
    """Those people with all that they refer to: who made them, their roles, and the groups that they work in."""
    people = [store.users[id] for id in sorted({*user_ids, SYSTEM_USER}) if id in store.users]
    groups = {group for someone in people for group in someone.access}
    return {
        "User": {str(someone.id): current(store, user(store, someone) | {"accounts": {}}) for someone in people},
        "Role": {
            str(held.id): role(store, held)
            for held in store.roles.values()
            if any(held.name in someone.roles for someone in people)
        },
        "Group": {str(id): group(store, store.groups[id]) for id in sorted(groups) if id in store.groups},
    }


def ticket_assets(store: Store, tickets: Iterable[Ticket]) -> Shape:
    """Those tickets with all that they refer to."""
    found = list(tickets)
    user_ids = {id for t in found for id in (t.owner_id, t.customer_id, t.created_by_id, t.updated_by_id)}
    shape = assets(store, user_ids)
    groups = {str(t.group_id): group(store, store.groups[t.group_id]) for t in found}
    return {"Ticket": {str(t.id): created_ticket(store, t) for t in found}} | shape | {"Group": shape["Group"] | groups}


def state(store: Store, name: str) -> Shape:
    """One of `GET /ticket_states`."""
    shape = {"id": STATES[name], "state_type_id": STATES[name], "name": name, "next_state_id": None, "active": True}
    shape |= {"ignore_escalation": name in ("closed", "merged"), "default_create": name == "new"}
    return shape | {"default_follow_up": name == "open", "note": None} | _by_the_system(store.groups[1].created_at)


def priority(store: Store, name: str) -> Shape:
    """One of `GET /ticket_priorities`; deliveries carry it as well."""
    looks = {"1 low": ("low-priority", "low-priority"), "3 high": ("high-priority", "important")}
    colour, icon = looks.get(name, (None, None))
    shape = {"id": PRIORITIES[name], "name": name, "default_create": name == "2 normal", "active": True, "note": None}
    return shape | {"ui_color": colour, "ui_icon": icon} | _by_the_system(store.groups[1].created_at)


def set_up(store: Store, row: Mapping[str, Any]) -> Shape:
    """An object that an admin has set up; from 7.0 on its secrets are masked."""
    shape = dict(row) | {name: stamp(row[name]) for name in ("created_at", "updated_at")}
    if store.zammad.masks:
        shape |= {name: MASK for name in SECRETS if row.get(name)}
    return shape


def exchange(exchange: Exchange) -> Shape:
    """One of `GET /http_logs/webhook`."""
    at = stamp(datetime.fromtimestamp(exchange.at, UTC))
    return {
        "direction": "out",
        "facility": "webhook",
        "method": exchange.endpoint.method.upper(),
        "url": exchange.endpoint.url,
        "status": str(exchange.status or 0),
        "request": {"content": exchange.request[:_LOGGED]},
        "response": {"content": exchange.answer[:_LOGGED]},
        "created_by_id": 1,
        "updated_by_id": 1,
        "created_at": at,
        "updated_at": at,
    }


def _by_the_system(moment: datetime) -> Shape:
    return {"created_by_id": 1, "updated_by_id": 1, "created_at": stamp(moment), "updated_at": stamp(moment)}
