"""Who calls, and what they may: authentication, permissions, and rights on tickets."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any

from flask import current_app, g, request

from webhooks.demo.sandbox.api.parameters import ApiError, number
from webhooks.demo.sandbox.faults import Faults
from webhooks.demo.sandbox.people import permits
from webhooks.demo.sandbox.records import Ticket, User
from webhooks.demo.sandbox.store import Store
from webhooks.demo.sandbox.webhook import Deliveries

_TOKEN = re.compile(r'(?:Token|Bearer) (?:token=)?"?([^"]+)"?')
_NO_TOKEN = {"revoked": "Can't find User for Token", "expired": "Not authorized (token expired)!"}


@dataclass(frozen=True, slots=True)
class Desk:
    """What the calls are about."""

    store: Store
    faults: Faults
    deliveries: Deliveries


def desk() -> Desk:
    """The helpdesk of the application that is running."""
    found: Desk = current_app.extensions["sandbox"]
    return found


def the_store() -> Store:
    return desk().store


def caller() -> User:
    """Who calls, or whom an admin calls for."""
    user: User = g.user
    return user


def authenticate() -> None:
    """Set `g.user` and `g.permissions`, or refuse in Zammad's words."""
    store, given = the_store(), request.headers.get("Authorization", "")
    user = _by_password(store, given) if given.startswith("Basic ") else _by_token(store, given)
    if not user.active:
        raise ApiError(401, "Not authorized")
    if desk().faults.maintenance and not permits(user.permissions, "admin"):
        raise ApiError(403, "Maintenance mode enabled!")
    g.user = _on_behalf_of(store, user)


def _by_token(store: Store, given: str) -> User:
    found = _TOKEN.fullmatch(given)
    if found is None:
        raise ApiError(403, "Authentication required")
    if desk().faults.tokens == "disabled":
        raise ApiError(403, "API token access disabled!")
    if desk().faults.tokens in _NO_TOKEN:
        raise ApiError(401, _NO_TOKEN[desk().faults.tokens])
    token = store.tokens.get(found[1])
    user = store.users.get(token.user_id) if token else None
    if token is None or user is None:
        raise ApiError(401, _NO_TOKEN["revoked"])
    g.permissions = token.permissions
    return user


def _by_password(store: Store, given: str) -> User:
    g.permissions = None
    try:
        login, _, password = base64.b64decode(given.removeprefix("Basic ")).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        login = password = ""
    user = store.user(login)
    if user is None or store.passwords.get(user.id) != password:
        raise ApiError(401, "Invalid BasicAuth credentials")
    return user


def _on_behalf_of(store: Store, user: User) -> User:
    """An admin may act for whom the header `From` names, by id or login."""
    name = request.headers.get("From") or request.headers.get("X-On-Behalf-Of")
    if not name:
        return user
    if not _allowed(user, "admin.user"):
        raise ApiError(403, "Current user has no permission to use 'X-On-Behalf-Of'!")
    other = store.users.get(number(name)) or store.user(name)
    if other is None:
        raise ApiError(403, f"No such user '{name}'")
    return other


def _allowed(user: User, permission: str) -> bool:
    return permits(user.permissions, permission) and (g.permissions is None or permits(g.permissions, permission))


def allowed(*permissions: str) -> bool:
    """Whether caller and token have one of the permissions."""
    return any(_allowed(caller(), permission) for permission in permissions)


def require(*permissions: str) -> None:
    """Refuse whoever has none of the permissions; 5.2 says whether it is the user's or the token's."""
    if allowed(*permissions):
        return
    words = the_store().zammad.forbidden
    if any(permits(caller().permissions, permission) for permission in permissions):
        words = words.replace("user", "token")
    raise ApiError(403, words)


def find_ticket(ticket_id: Any, right: str) -> Ticket:
    """The ticket, if the caller has that right on it."""
    if ticket_id is None:
        raise ApiError(404, "Couldn't find Ticket without an ID")
    store = the_store()
    ticket = store.tickets.get(number(ticket_id))
    if ticket is None:
        raise ApiError(404, f"Couldn't find Ticket with 'id'={ticket_id}")
    if not may(ticket, right):
        raise ApiError(403, "Not authorized")
    return ticket


def may(ticket: Ticket, right: str) -> bool:
    """Whether the caller, by this token, has that right on the ticket."""
    needed = "ticket.agent" if caller().is_agent else "ticket.customer"
    return allowed(needed) and the_store().may(caller(), ticket, right)


def flag(name: str) -> bool:
    """A parameter that is on or off, wherever it stands."""
    return request.args.get(name) == "true"
