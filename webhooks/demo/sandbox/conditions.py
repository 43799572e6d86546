"""Conditions on tickets, as triggers, overviews and the search share them.

A flat hash `{"ticket.state_id": {"operator": "is", "value": ["1"]}}` means that all of it holds; from 6.0 on a tree
`{"operator": "AND", "conditions": [...]}` may combine them. Zammad makes SQL of them (lib/selector/sql.rb of 7.2,
app/models/ticket.rb of 5.2); here they are asked of one ticket and one of its articles at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from webhooks.demo.sandbox.operators import OPERATORS
from webhooks.demo.sandbox.records import PRIORITIES, SENDERS, STATES, SYSTEM_USER, TYPES, Article, Event, Ticket
from webhooks.demo.sandbox.versions import Version

Condition = Mapping[str, Any]


class BadCondition(ValueError):
    """A condition that names what this version does not know, or has no form at all."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a condition is asked of. `event` is None in a search, which knows of no change."""

    ticket: Ticket
    article: Article | None
    tags: Collection[str]
    now: datetime
    event: Event | None = None


# fmt: off
_SAME_TICKET = (
    "id", "number", "title", "group_id", "owner_id", "customer_id", "created_by_id", "updated_by_id", "article_count",
    "created_at", "updated_at", "close_at", "first_response_at", "last_contact_at", "last_contact_agent_at",
    "last_contact_customer_at", "last_owner_update_at",
)
_SAME_ARTICLE = (
    "id", "internal", "to", "cc", "subject", "body", "message_id", "created_by_id", "updated_by_id", "created_at",
)
# fmt: on
_TICKET: dict[str, Callable[[Any], Any]] = {
    **{name: attrgetter(name) for name in _SAME_TICKET},
    "state_id": lambda ticket: STATES[ticket.state],
    "priority_id": lambda ticket: PRIORITIES[ticket.priority],
    "create_article_type_id": lambda ticket: TYPES[ticket.create_article_type],
    "create_article_sender_id": lambda ticket: SENDERS[ticket.create_article_sender],
}
_ARTICLE: dict[str, Callable[[Any], Any]] = {
    **{name: attrgetter(name) for name in _SAME_ARTICLE},
    "from": lambda article: article.from_,
    "type_id": lambda article: TYPES[article.type],
    "sender_id": lambda article: SENDERS[article.sender],
}


def check(condition: Any, version: Version) -> None:
    """Raises BadCondition for what the version would refuse."""
    if not isinstance(condition, Mapping) or not condition:
        raise BadCondition("no condition")
    if "conditions" in condition and not version.article_action:
        raise BadCondition("a tree")
    for name, test in _tests(condition):
        known = name in ("ticket.action", "ticket.tags") or _reader(name) is not None
        if not known and not (name == "article.action" and version.article_action):
            raise BadCondition(name)
        if not isinstance(test, Mapping) or test.get("operator") not in OPERATORS:
            raise BadCondition(f"{name}: {test}")


def concerns_article(condition: Condition) -> bool:
    """Whether a search by it joins the articles, and so has a row for each that matches."""
    return any(name.startswith("article.") for name, _ in _tests(condition))


def named_attributes(condition: Condition) -> set[str]:
    """The columns of the ticket that the condition names."""
    return {name.removeprefix("ticket.") for name, _ in _tests(condition) if name.startswith("ticket.")}


def matches(condition: Condition, subject: Subject) -> bool:
    """Whether the condition, which was checked, holds."""
    if "conditions" not in condition:
        return all(_holds(name, test, subject) for name, test in condition.items())
    results = [
        matches(inner, subject) if "conditions" in inner else _holds(inner["name"], inner, subject)
        for inner in condition["conditions"]
    ]
    operator = condition.get("operator", "AND")
    return any(results) if operator == "OR" else not any(results) if operator == "NOT" else all(results)


def _tests(condition: Condition) -> Iterator[tuple[str, Any]]:
    if "conditions" not in condition:
        yield from condition.items()
        return
    for inner in condition["conditions"]:
        if "conditions" in inner:
            yield from _tests(inner)
        else:
            yield str(inner.get("name")), inner


def _reader(name: str) -> Callable[[Any], Any] | None:
    kind, _, column = name.partition(".")
    return {"ticket": _TICKET, "article": _ARTICLE}.get(kind, {}).get(column)


def _holds(name: str, test: Condition, subject: Subject) -> bool:
    operator = str(test["operator"])
    if operator == "has changed":
        return subject.event is not None and name.removeprefix("ticket.") in subject.event.changed
    if name == "article.action":  # the only test on the article that can hold without one
        return OPERATORS[operator]("create" if subject.article else "update", test, subject.now)
    if name.startswith("article.") and subject.article is None:
        return False
    if test.get("pre_condition") == "not_set":
        test = {**test, "value": [None, SYSTEM_USER]}
    return OPERATORS[operator](_value(name, subject), test, subject.now)


def _value(name: str, subject: Subject) -> Any:
    if name == "ticket.tags":
        return list(subject.tags)
    if name == "ticket.action":
        return subject.event.action if subject.event else None
    read = _reader(name)
    assert read is not None  # noqa: S101 - the condition was checked
    return read(subject.article if name.startswith("article.") else subject.ticket)
