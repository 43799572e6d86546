"""What an admin sets up over the API: webhooks, triggers, macros, overviews, text modules and tags.

They are kept as the dictionaries that they arrive as, with Zammad's columns and no others.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from webhooks.demo.sandbox.conditions import BadCondition, check
from webhooks.demo.sandbox.versions import Version

Shape = dict[str, Any]

MASK = "**********"
"""What a secret reads as from 7.0 on; written back it leaves the secret as it is (webhook.rb of 7.2)."""
SECRETS = ("signature_token", "bearer_token", "basic_auth_password")


class Refused(Exception):
    """A change that Zammad refuses with a 422, in its words."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object: its columns with their defaults, and what is checked before it is stored."""

    columns: Mapping[str, Any]
    masked: bool
    check: Callable[[Shape], None] = lambda values: None


class Collection:
    """The objects of one kind, by id. A name is taken once, whatever its case."""

    def __init__(self, kind: Kind, duplicate: str, clock: Callable[[], datetime]) -> None:
        self.rows: dict[int, Shape] = {}
        self._kind = kind
        self._duplicate = duplicate
        self._clock = clock
        self._ids = itertools.count(1)
        self._lock = threading.RLock()

    def __iter__(self) -> Iterator[Shape]:
        return iter(list(self.rows.values()))

    def named(self, name: str) -> Shape | None:
        """The object of that name."""
        return next((row for row in self if row["name"].lower() == name.lower()), None)

    def create(self, values: Mapping[str, Any], author_id: int) -> Shape:
        """A new object; unknown columns are dropped without a word. Raises Refused."""
        with self._lock:
            known = {**self._kind.columns, **self._known(values)}
            self._check(known)
            id, now = next(self._ids), self._clock()
            self.rows[id] = {"id": id, **known, "updated_by_id": author_id, "created_by_id": author_id}
            self.rows[id] |= {"created_at": now, "updated_at": now}
            return self.rows[id]

    def update(self, id: int, values: Mapping[str, Any], author_id: int) -> Shape:
        """Change an object; a secret given as its mask stays what it is. Raises Refused."""
        with self._lock:
            changed = self._known(values)
            for name in SECRETS if self._kind.masked else ():
                if changed.get(name) == MASK:
                    del changed[name]
            row = {**self.rows[id], **changed, "updated_by_id": author_id, "updated_at": self._clock()}
            self._check(row)
            self.rows[id] = row
            return row

    def _known(self, values: Mapping[str, Any]) -> Shape:
        return {key: value for key, value in values.items() if key in self._kind.columns}

    def _check(self, row: Shape) -> None:
        if not row["name"]:
            raise Refused("Attribute 'name' required!")
        same = self.named(str(row["name"]))
        if same is not None and same["id"] != row.get("id"):
            raise Refused(self._duplicate)
        self._kind.check(row)


class Objects:
    """All that is set up, by kind: `webhooks`, `triggers`, `macros`, `overviews`, `text_modules` and `tag_list`."""

    def __init__(self, version: Version, clock: Callable[[], datetime]) -> None:
        def collection(columns: Mapping[str, Any], check: Callable[[Shape], None] = lambda row: None) -> Collection:
            return Collection(Kind(columns, version.masks, check), version.duplicate, clock)

        def check_condition(row: Shape) -> None:
            try:
                check(row["condition"], version)
            except BadCondition:
                raise Refused("Invalid ticket selector conditions") from None

        def check_trigger(row: Shape) -> None:
            check_condition(row)
            _check_perform(row)

        self.webhooks = collection(version.webhook, _check_webhook)
        self.triggers = collection(version.trigger, check_trigger)
        self.macros = collection(_MACRO, _check_perform)
        self.overviews = collection(_OVERVIEW, check_condition)
        self.text_modules = collection(_TEXT_MODULE)
        self.tag_list = collection({"name": None})

    def users_of(self, webhook_id: int) -> list[Shape]:
        """The triggers that call a webhook."""
        return [trigger for trigger in self.triggers if called(trigger) == webhook_id]


_MACRO: Shape = {"name": None, "perform": {}, "active": True, "note": None, "ux_flow_next_up": "none", "group_ids": []}
_TEXT_MODULE: Shape = {"name": None, "keywords": None, "content": "", "note": None, "active": True, "group_ids": []}
_OVERVIEW: Shape = {
    "name": None,
    "link": None,
    "prio": None,
    "condition": None,
    "order": {},
    "group_by": None,
    "group_direction": None,
    "organization_shared": False,
    "out_of_office": False,
    "view": {},
    "active": True,
    "role_ids": [],
    "user_ids": [],
}


_LONGEST_TOKEN = 200


def called(trigger: Mapping[str, Any]) -> int | None:
    """The id of the webhook that a trigger calls; it may have been given as text."""
    given = (trigger["perform"].get("notification.webhook") or {}).get("webhook_id")
    return int(given) if given else None


def _check_webhook(row: Shape) -> None:
    """app/models/webhook.rb: http or https with a host; private addresses are fine. A payload must be JSON."""
    address = urlsplit(str(row["endpoint"] or ""))
    if address.scheme not in ("http", "https"):
        raise Refused("Endpoint Invalid endpoint (no http/https)!")
    if not address.hostname:
        raise Refused("Endpoint Invalid endpoint (no hostname)!")
    if len(row.get("signature_token") or "") > _LONGEST_TOKEN:
        raise Refused("Signature token is too long")
    if row.get("customized_payload"):
        try:
            json.loads(row.get("custom_payload") or "")
        except ValueError:
            raise Refused("Custom payload is not valid JSON") from None


_NEEDED = {"notification.webhook": ("webhook_id",), "article.note": ("subject", "body", "internal")}


def _check_perform(row: Shape) -> None:
    """verify_perform_rules_validator.rb: what is performed must be complete; `false` counts as missing."""
    for action, needed in _NEEDED.items():
        given = row["perform"].get(action)
        for name in needed if given is not None else ():
            if given.get(name) in (None, "", False):
                raise Refused(f"The required 'perform' value for {action}, {name} is missing!")
