"""What `greffier setup zammad` makes in Zammad: the objects as they should be, and how they are compared.

One body serves all versions: Zammad drops attributes that it does not know without a word. Where versions disagree an
item has several bodies, from the newest form to the oldest; the first that Zammad does not refuse (422) is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.zammad.macros import MACROS

MARK = "Géré par « greffier setup zammad »."
"""Stands in the `note` of each object of ours; one without it is never touched."""
TAG = "greffier-projet"
MASKED = "**********"
"""What a secret reads as in 7.x (app/models/webhook.rb); before, it is readable by admins."""
WEBHOOK = "Greffier"
TRIGGERS = (
    "greffier-message-usager",
    "greffier-reponse-agent",
    "greffier-demande",
    "greffier-commande",
    "greffier-groupe",
)
"""Names are ASCII: they travel in the header `X-Zammad-Trigger`."""
NAMES = {"triggers": TRIGGERS, "macros": tuple(macro.name for macro in MACROS), "webhooks": (WEBHOOK,)}
"""What ours are named, by kind, in the order in which they go: Zammad keeps a webhook that a trigger calls."""
SUBJECT = "Greffier :"
"""How the subject of each macro's note begins, and so what its trigger looks for."""

# Ids that Zammad's seeds fix (db/seeds/ticket_article_senders.rb, ticket_article_types.rb, ticket_states.rb).
_AGENT, _CUSTOMER, _NOTE, _CLOSED, _MERGED = "1", "2", "10", "4", "5"

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """One object as it should be; `kind` is its path in the API, `what` explains it to an admin in a few words."""

    kind: str
    name: str
    what: str
    bodies: tuple[Body, ...]

    @property
    def subject(self) -> str:
        """How it is named in a plan."""
        return subject(self.kind, self.name)

    def differences(self, seen: Mapping[str, Any]) -> list[str]:
        """The fields that differ from the nearest of the bodies. What the version does not show is not compared."""
        each = (
            [
                field
                for field, value in body.items()
                if field in seen and seen[field] != MASKED and comparable(seen[field]) != comparable(value)
            ]
            for body in self.bodies
        )
        return min(each, key=len)


def subject(kind: str, name: str) -> str:
    """How an object is named in a plan: `trigger greffier-commande`."""
    return f"{kind.removesuffix('s')} {name}"


def webhook(endpoint: str, secret: str) -> Item:
    """Where Zammad is to call us. What an admin adds to it, such as a payload of its own, is left as it is."""
    body = {
        "name": WEBHOOK,
        "endpoint": endpoint,
        "signature_token": secret,
        "ssl_verify": True,
        "http_method": "post",
        "note": MARK,
        "active": True,
    }
    return Item("webhooks", WEBHOOK, f"to {endpoint}", (body,))


def triggers(webhook_id: int, groups: Iterable[int], account_id: int) -> tuple[Item, ...]:
    """The five reasons to call us."""
    message, reply, request, command, into_group = TRIGGERS
    covered = _is(*sorted(groups))
    not_ours = {"operator": "is not", "pre_condition": "specific", "value": [str(account_id)]}
    note = {"article.type_id": _is(_NOTE), "article.internal": _is("true"), "article.created_by_id": not_ours}
    sent = {"article.sender_id": _is(_AGENT), "article.internal": _is("false")}
    asked = {"article.sender_id": _is(_CUSTOMER), "ticket.state_id": _is(_CLOSED, _MERGED, operator="is not")}
    told = {
        message: ("a customer's message", asked),
        reply: ("an agent's public answer", sent),
        request: ("a macro of ours", note | {"article.subject": _contains(SUBJECT)}),
        command: (
            "@greffier in an internal note",
            note | {"article.sender_id": _is(_AGENT), "article.body": _contains("@greffier")},
        ),
    }
    of_articles = (
        _trigger(name, what, webhook_id, _with_article(tests | {"ticket.group_id": covered}))
        for name, (what, tests) in told.items()
    )
    moved = _trigger(into_group, "a ticket moved to a covered group", webhook_id, _moved(covered))
    return (*of_articles, moved)


def call(webhook_id: int) -> Body:
    """What a trigger does."""
    return {"notification.webhook": {"webhook_id": str(webhook_id)}}


def _trigger(name: str, what: str, webhook_id: int, conditions: Sequence[Body]) -> Item:
    common = {
        "name": name,
        "activator": "action",
        "execution_condition_mode": "selective",
        "note": MARK,
        "active": True,
        "perform": call(webhook_id),
    }
    return Item("triggers", name, what, tuple(common | {"condition": condition} for condition in conditions))


def _with_article(tests: Body) -> tuple[Body, Body]:
    """`article.action` exists since 6.0. Without it the tests of the article do: no article, no match (5.2, seen)."""
    return {"article.action": {"operator": "is", "value": "create"}, **tests}, tests


def _moved(covered: Body) -> tuple[Body, Body]:
    """Two tests of one attribute take a tree, which 5.2 refuses; there, moves to any group are announced."""
    changed = {"operator": "has changed", "value": []}
    tree = [{"name": "ticket.group_id", **changed}, {"name": "ticket.group_id", **covered}]
    flat = {"ticket.action": {"operator": "is", "value": "update"}, "ticket.group_id": changed}
    return {"operator": "AND", "conditions": tree}, flat


def macros(groups: Iterable[int]) -> tuple[Item, ...]:
    """Buttons for agents of the covered groups: each adds an internal note whose subject says what is asked."""
    return tuple(
        Item(
            "macros",
            macro.name,
            f"stands for @greffier {macro.word}",
            (
                {
                    "name": macro.name,
                    "ux_flow_next_up": "none",
                    "group_ids": sorted(groups),
                    "note": MARK,
                    "active": True,
                    # `internal` as text: `false` would count as missing (verify_perform_rules_validator.rb)
                    "perform": {
                        "article.note": {"subject": macro.subject, "body": macro.body, "internal": "true"},
                    },
                },
            ),
        )
        for macro in MACROS
    )


def _is(*values: str | int, operator: str = "is") -> Body:
    return {"operator": operator, "value": [str(value) for value in values]}


def _contains(text: str) -> Body:
    return {"operator": "contains", "value": text}


def comparable(value: Any) -> Any:
    """A value in one form: ids come as numbers or as text, one value alone or in a list, nothing as "", [] or null."""
    if isinstance(value, Mapping):
        return {key: comparable(inner) for key, inner in value.items() if inner not in ("", None, [])}
    if not isinstance(value, list | tuple):
        return [] if value in ("", None) else comparable([value])
    if any(isinstance(inner, Mapping) for inner in value):
        return [comparable(inner) for inner in value]
    return sorted(str(inner).lower() if isinstance(inner, bool) else str(inner) for inner in value)
