"""What Greffier wants to be set up in a Zammad, equal to what `greffier setup zammad` makes in that version."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from webhooks.demo.sandbox.records import SENDERS, STATES, TYPES, User
from webhooks.demo.sandbox.store import Store

MACROS = {
    "Greffier : nouvelle rédaction": (
        "Greffier : nouvelle rédaction demandée",
        "Merci de proposer une nouvelle rédaction.",
    ),
    "Greffier : ne plus rédiger": (
        "Greffier : plus de projet demandé",
        "Merci de ne plus proposer de projet dans ce ticket.",
    ),
}
"""Subject and body of each macro's note, by the macro's name."""
TAG = "greffier-projet"
MARK = "Géré par « greffier setup zammad »."
"""Set-up's own mark, written out: the sandbox knows nothing of our connector."""


def create(store: Store, admin: User, account: User, group_ids: Iterable[int], url: str, secret: str) -> None:
    """The webhook, its triggers for those groups, the macros and the tag. Raises Refused if they are there."""
    groups = sorted(group_ids)
    values = {"name": "Greffier", "endpoint": url, "signature_token": secret, "ssl_verify": True, "note": MARK}
    webhook = store.objects.webhooks.create(values, admin.id)
    perform: dict[str, Any] = {"notification.webhook": {"webhook_id": str(webhook["id"])}}
    for name, condition in _conditions(account, groups, newer=store.zammad.article_action).items():
        trigger = {"name": name, "condition": condition, "perform": perform, "note": MARK}
        store.objects.triggers.create(trigger, admin.id)
    for name, (subject, body) in MACROS.items():
        perform = {"article.note": {"subject": subject, "body": body, "internal": "true"}}
        macro = {"name": name, "perform": perform, "group_ids": groups, "note": MARK}
        store.objects.macros.create(macro, admin.id)
    store.objects.tag_list.create({"name": TAG}, admin.id)


def _conditions(account: User, groups: list[int], *, newer: bool) -> dict[str, dict[str, Any]]:
    """By the trigger's name; `newer` versions know `article.action` and trees."""
    covered = {"ticket.group_id": _is(*groups)}
    created = covered | ({"article.action": _is("create")} if newer else {})
    internal, public = {"article.internal": _is("true")}, {"article.internal": _is("false")}
    agent = {"article.sender_id": _is(SENDERS["Agent"])}
    not_ours = {"operator": "is not", "pre_condition": "specific", "value": [str(account.id)]}
    note = internal | {"article.type_id": _is(TYPES["note"]), "article.created_by_id": not_ours}
    still_open = {"ticket.state_id": {"operator": "is not", "value": [str(STATES["closed"]), str(STATES["merged"])]}}
    changed = {"operator": "has changed", "value": []}
    into = [{"name": "ticket.group_id", **changed}, {"name": "ticket.group_id", **_is(*groups)}]
    anywhere = {"ticket.action": _is("update"), "ticket.group_id": changed}
    return {
        "greffier-message-usager": {"article.sender_id": _is(SENDERS["Customer"])} | still_open | created,
        "greffier-reponse-agent": agent | public | created,
        "greffier-demande": note | {"article.subject": _contains("Greffier :")} | created,
        "greffier-commande": note | agent | {"article.body": _contains("@greffier")} | created,
        "greffier-groupe": {"operator": "AND", "conditions": into} if newer else anywhere,
    }


def _is(*values: object) -> dict[str, Any]:
    return {"operator": "is", "value": [str(value) for value in values]}


def _contains(text: str) -> dict[str, str]:
    return {"operator": "contains", "value": text}
