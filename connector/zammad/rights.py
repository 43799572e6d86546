"""The rights of Greffier's account in Zammad: what it has, lacks, or should not have.

It needs the permission `ticket.agent`, and `read` and `change` on each covered group. Not `full`: Zammad notifies
members with full access and offers them as owners (app/policies/ticket_policy.rb, transaction/notification.rb, 7.x).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Mapping
from http import HTTPStatus
from typing import Annotated

from pydantic import BaseModel, BeforeValidator

from connector.errors import RemoteError
from connector.rest import Rest
from connector.ticket import Finding, Level, Mode
from connector.zammad.answers import Account, read
from connector.zammad.settings import ZammadSettings

NEEDED = frozenset({"ticket.agent"})
USEFUL = frozenset({*NEEDED, "knowledge_base.reader", "user_preferences", "user_preferences.access_token"})
"""What nobody has to wonder about: the last two let the account make its own token."""
POWERFUL = ("admin", "knowledge_base.editor")
"""Permissions, and those below them, that would harm if the token were stolen."""


class Role(BaseModel):
    """A role read with `expand=true`; its rights on groups add to those of the account itself."""

    name: str
    active: bool = True
    permissions: frozenset[str] = frozenset()
    groups: Annotated[
        Mapping[str, frozenset[str]], BeforeValidator(lambda value: value if isinstance(value, dict) else {})
    ] = {}


def roles(rest: Rest, account: Account) -> tuple[Role, ...] | None:
    """The active roles of the account; None where the token may not read them, which old versions grant to admins only.

    (Agents may since 2025: app/policies/controllers/roles_controller_policy.rb; in 5.2 it takes `admin.role`.)
    Raises `RemoteError` on an outage, which says nothing about roles.
    """
    if account.role_ids is None:
        return None
    found = []
    for id in account.role_ids:
        path = f"roles/{id}"
        try:
            found.append(read(Role, rest.get(path, expand="true").json, source=f"{rest.name}: {path}"))
        except RemoteError as error:
            if error.permanent and error.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
                return None
            raise
    return tuple(role for role in found if role.active)


def unread(name: str, error: RemoteError) -> Finding:
    """What is to be said where the roles could not be read for another reason than a missing right."""
    return Finding(Level.ERROR, f"{name} permissions", f"the account's roles could not be read: {error}")


def findings(
    name: str, settings: ZammadSettings, account: Account, given: Collection[Role] | None
) -> Iterator[Finding]:
    """One finding a line; `given` are the account's roles as far as they could be read."""
    if given is not None:
        yield from _permissions(name, frozenset().union(*(role.permissions for role in given)))
    for group, mode in settings.groups.items():
        if mode is not Mode.OFF:
            yield _group(name, group, account, given)
    yield from _others(name, settings, account, given or ())


def reads(groups: Collection[str], account: Account, given: Collection[Role] | None) -> bool:
    """Whether the account is known to read all these groups."""
    return all({"read", "full"} & _held(group, account, given) for group in groups)


def _held(group: str, account: Account, given: Collection[Role] | None) -> set[str]:
    """The rights on a group, as far as they can be known."""
    from_roles = (role.groups.get(group, frozenset()) for role in given or ())
    return set((account.groups or {}).get(group, ())).union(*from_roles)


def _permissions(name: str, held: frozenset[str]) -> Iterator[Finding]:
    subject = f"{name} permissions"
    powerful = sorted(one for one in held if any(one == top or one.startswith(f"{top}.") for top in POWERFUL))
    if not held >= NEEDED:
        text = "the account's roles lack ticket.agent" if held else "no active role gives the account a permission"
        yield Finding(Level.ERROR, subject, f"{text}: give it a role with ticket.agent")
    if powerful:
        yield Finding(Level.WARNING, subject, f"too much, give it a role without: {', '.join(powerful)}")
    if held >= NEEDED and not powerful:
        spare = sorted(held - USEFUL)
        text = f"{', '.join(sorted(held & USEFUL))}" + (f"; not needed: {', '.join(spare)}" if spare else "")
        yield Finding(Level.OK, subject, text)


def _group(name: str, group: str, account: Account, given: Collection[Role] | None) -> Finding:
    subject = f"{name} group {group}"
    if account.groups is None and given is None:
        return Finding(Level.WARNING, subject, "its rights could not be read: it needs read and change")
    rights = _held(group, account, given)
    if not rights:
        return _unknown(subject, group, account, given)
    source = "".join(f", by the role {role.name}" for role in given or () if group in role.groups)
    if "full" in rights:
        text = "full access makes the account an owner to choose: read and change do"
        return Finding(Level.WARNING, subject, text + source)
    if not {"read", "change"} <= rights:
        text = f"give the account the rights read and change (it has {', '.join(sorted(rights))})"
        return Finding(Level.ERROR, subject, text)
    if "create" in rights:
        return Finding(Level.WARNING, subject, f"create is too much: read and change do{source}")
    return Finding(Level.OK, subject, f"read and change{source}")


def _unknown(subject: str, group: str, account: Account, given: Collection[Role] | None) -> Finding:
    names = sorted({*(account.groups or ()), *(group for role in given or () for group in role.groups)})
    alike = [known for known in names if _bare(known) == _bare(group)]
    if alike:
        return Finding(Level.ERROR, subject, f"spelled otherwise in Zammad: {', '.join(alike)}")
    known = ", ".join(names)
    if given is None:
        text = "the account has no right of its own there: is it spelled so, or given by a role?"
        return Finding(Level.WARNING, subject, f"{text} Known: {known or 'none'}")
    text = "the account has no right there: give it read and change, or spell the group as Zammad does"
    return Finding(Level.ERROR, subject, f"{text}. Known: {known or 'none'}")


def _others(name: str, settings: ZammadSettings, account: Account, given: Collection[Role]) -> Iterator[Finding]:
    rights = [account.groups or {}, *(role.groups for role in given)]
    readable = {group for groups in rights for group, held in groups.items() if {"read", "full"} & set(held)}
    named = {_bare(group) for group in settings.groups}  # one that is spelled otherwise is named all the same
    others = sorted(group for group in readable if _bare(group) not in named)
    if others:
        text = f"the account also reads {', '.join(others)}, which {name}.groups does not name: take the right away"
        yield Finding(Level.WARNING, f"{name} other groups", text)


def _bare(group: str) -> str:
    """A group's name without accents, case and spaces, in which alone a wrongly written one mostly differs."""
    letters = unicodedata.normalize("NFKD", group.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter) and not letter.isspace())
