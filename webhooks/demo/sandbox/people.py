"""Who is there: people, the groups they work in, their roles, and the tokens and passwords they show."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any

from webhooks.demo.sandbox.records import SYSTEM_USER, Access, Group, Role, Ticket, Token, User

PERMISSIONS = {
    "admin": 1,
    "admin.user": 2,
    "admin.group": 3,
    "admin.role": 4,
    "admin.tag": 5,
    "admin.text_module": 6,
    "admin.macro": 7,
    "admin.overview": 8,
    "admin.trigger": 9,
    "admin.webhook": 10,
    "user_preferences": 41,
    "user_preferences.access_token": 44,
    "report": 51,
    "ticket.agent": 53,
    "ticket.customer": 54,
    "chat.agent": 56,
    "cti.agent": 58,
    "knowledge_base.editor": 61,
    "knowledge_base.reader": 62,
}
"""The permissions that the sandbox asks about, and those of the seeded roles. The ids are the sandbox's own."""
_ROLES = {
    "Admin": ("admin", "user_preferences", "report", "knowledge_base.editor"),
    "Agent": (
        *("ticket.agent", "chat.agent", "cti.agent", "user_preferences", "knowledge_base.reader"),
        "user_preferences.access_token",
    ),
    "Customer": ("ticket.customer", "user_preferences"),
}
_ROLE_NOTES = {
    "Admin": "To configure your system.",
    "Agent": "To work on Tickets.",
    "Customer": "People who create Tickets ask for help.",
}


def utc_now() -> datetime:
    """Now, with the milliseconds that Zammad keeps."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def permits(held: Iterable[str], permission: str) -> bool:
    """Whether `permission` or one that includes it is among those held: `admin` includes `admin.webhook`."""
    parts = permission.split(".")
    return any(".".join(parts[:length]) in held for length in range(1, len(parts) + 1))


class People:
    """Users, groups and roles by their ids; `tokens` and `passwords` are what they authenticate with."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self.clock = clock
        self.users: dict[int, User] = {}
        self.groups: dict[int, Group] = {}
        self.roles: dict[int, Role] = {}
        self.tokens: dict[str, Token] = {}
        self.passwords: dict[int, str] = {}
        self._lock = threading.RLock()
        self._user_ids = itertools.count(3)  # Zammad's seeds take 1, the system, and 2, a sample customer
        self._group_ids = itertools.count(1)
        self._role_ids = itertools.count(1)
        self._token_ids = itertools.count(1)
        self.users[SYSTEM_USER] = User(SYSTEM_USER, "-", "-", "", "", (), clock(), active=False)
        for name, permissions in _ROLES.items():
            self.add_role(name, permissions, note=_ROLE_NOTES[name])

    def add_group(self, name: str, **values: Any) -> Group:
        """A new group, without members; `values` are further columns."""
        with self._lock:
            id = next(self._group_ids)
            note = "Standard Group/Pool for Tickets." if id == 1 else None
            group = Group(id, name, self.clock(), **{"note": note, **values})
            self.groups[group.id] = group
            return group

    def add_role(self, name: str, permissions: Iterable[str], **values: Any) -> Role:
        """A new role, which nobody holds; `values` are further columns."""
        with self._lock:
            role = Role(next(self._role_ids), name, tuple(permissions), self.clock(), **values)
            self.roles[role.id] = role
            return role

    def add_user(self, person: str, roles: tuple[str, ...], access: Access | None = None, token: str = "") -> User:
        """A new person, given as `First Last <address>`; the address is the login. A token may be given to it."""
        name, email = parseaddr(person)
        name = name or email.partition("@")[0].replace(".", " ").title()
        first, _, last = name.partition(" ")
        with self._lock:
            user = User(next(self._user_ids), email, first, last, email, roles, self.clock(), access or {})
            self.put_user(user)
            if token:
                self.add_token(token, user)
            return self.users[user.id]

    def put_user(self, user: User) -> User:
        """Store the person with what its roles allow."""
        roles = [role for role in self.roles.values() if role.name in user.roles and role.active]
        rights: dict[int, tuple[str, ...]] = dict(user.access)
        for role in roles:
            for group, given in role.access.items():
                rights[group] = tuple(dict.fromkeys((*rights.get(group, ()), *given)))
        permissions = frozenset(name for role in roles for name in role.permissions)
        with self._lock:
            self.users[user.id] = replace(user, rights=rights, permissions=permissions)
            return self.users[user.id]

    def put_role(self, role: Role) -> Role:
        """Store the role, and let its holders have what it allows now."""
        with self._lock:
            self.roles[role.id] = role
            for user in list(self.users.values()):
                self.put_user(user)
            return role

    def add_token(
        self, token: str, user: User, label: str = "API", permissions: tuple[str, ...] | None = None
    ) -> Token:
        """Let the token stand for the user."""
        with self._lock:
            self.tokens[token] = Token(next(self._token_ids), user.id, label, permissions)
            return self.tokens[token]

    def customer(self, person: str) -> User:
        """The customer of that address, made on the fly as Zammad does for an unknown sender."""
        with self._lock:
            return self.user(parseaddr(person)[1]) or self.add_user(person, ("Customer",))

    def user(self, login: str) -> User | None:
        """The person of that login."""
        return next((user for user in list(self.users.values()) if user.login == login), None)

    def group(self, name: str) -> Group | None:
        """The group of that name."""
        return next((group for group in list(self.groups.values()) if group.name == name), None)

    def role(self, name: str) -> Role | None:
        """The role of that name."""
        return next((role for role in list(self.roles.values()) if role.name == name), None)

    def may(self, user: User, ticket: Ticket, right: str) -> bool:
        """Whether the user has that right on the ticket: an agent through the group, a customer as its customer."""
        if user.is_agent:
            return bool({right, "full"} & set(user.rights.get(ticket.group_id, ())))
        return ticket.customer_id == user.id
