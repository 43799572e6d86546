"""What a Zammad has of the kinds of objects that set-up makes, and whether the admin's token may change them.

The permissions are those of app/policies/controllers, from 2021 to 2026.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from http import HTTPStatus
from itertools import count
from typing import Any

from pydantic import BaseModel

from connector.errors import CredentialsRefused, RemoteError
from connector.rest import Rest
from connector.zammad.answers import read
from connector.zammad.setup_objects import MARK, NAMES

PERMISSIONS = {
    "groups": "admin.group",
    "webhooks": "admin.webhook",
    "triggers": "admin.trigger",
    "macros": "admin.macro",
    "tag_list": "admin.tag",
}
"""What each kind takes of the admin's token."""
PAGE = 500
"""Objects a page: Zammad's own default, half of what it allows."""

Row = Mapping[str, Any]


class _Row(BaseModel, extra="allow"):
    id: int
    name: str


def inventory(
    admin: Rest, agent: Rest, kinds: Collection[str], *, if_allowed: Collection[str] = ()
) -> dict[str, list[Row]]:
    """The objects of each kind; of those in `if_allowed` only where the admin's token has the permission.

    Raises `RemoteError` that names every other permission which it lacks.
    """
    seen: dict[str, list[Row]] = {}
    lacking = []
    for kind, permission in PERMISSIONS.items():
        try:
            if kind in kinds or kind in if_allowed:
                seen[kind] = _macros(admin, agent) if kind == "macros" else objects(admin, kind)
        except CredentialsRefused as error:
            if error.status != HTTPStatus.UNAUTHORIZED:
                raise
            text = f"{admin.name}: Zammad refuses this token: make another one (profile, Token Access)"
            raise RemoteError(text, permanent=True, status=error.status) from error
        except RemoteError as error:
            if error.status != HTTPStatus.FORBIDDEN or not error.permanent:
                raise
            if kind in kinds:
                lacking.append(permission)
    if lacking:
        text = f"{admin.name}: the token lacks {', '.join(lacking)}: give it to the token, and to a role of its owner"
        raise RemoteError(f"{text}. Nothing was changed", permanent=True, status=HTTPStatus.FORBIDDEN)
    return seen


def objects(rest: Rest, kind: str) -> list[Row]:
    """All objects of a kind, page by page."""
    found: dict[int, Row] = {}
    for page in count(1):
        rows = read(list[_Row], rest.get(kind, page=page, per_page=PAGE).json, source=f"{rest.name}: {kind}")
        known = len(found)
        found |= {row.id: row.model_dump() for row in rows}
        if len(rows) < PAGE or len(found) == known:  # `tag_list` knows no pages and answers the same again
            break
    return list(found.values())


def _macros(admin: Rest, agent: Rest) -> list[Row]:
    """Agents may list macros, in 5.2 they alone. Who may change them shows in the answer for one that is not there."""
    try:
        admin.put("macros/0", {})
    except RemoteError as error:
        if error.status == HTTPStatus.FORBIDDEN:
            raise
    try:
        return objects(admin, "macros")
    except RemoteError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        return objects(agent, "macros")


def named(rows: Collection[Row], name: str) -> Row | None:
    """The object of that name, which Zammad takes once whatever its case."""
    return next((row for row in rows if str(row["name"]).lower() == name.lower()), None)


def has_our_name(kind: str, row: Row) -> bool:
    """Whether it has one of the names that set-up gives to objects of that kind."""
    return any(named([row], name) for name in NAMES[kind])


def is_ours(row: Row) -> bool:
    """Whether it bears our mark."""
    return MARK in str(row.get("note") or "")
