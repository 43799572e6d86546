"""What Greffier wants to be set up in a Zammad, as an admin would do it by hand: contract section 4."""

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


def create(store: Store, admin: User, account: User, group_ids: Iterable[int], url: str, secret: str) -> None:
    """The webhook, its triggers for those groups, the macros and the tag. Raises Refused if they are there."""
    groups = [str(id) for id in group_ids]
    values = {"name": "Greffier", "endpoint": url, "signature_token": secret}
    webhook = store.objects.webhooks.create(values, admin.id)
    for name, condition in _conditions(account, groups).items():
        perform = {"notification.webhook": {"webhook_id": str(webhook["id"])}}
        store.objects.triggers.create({"name": name, "condition": condition, "perform": perform}, admin.id)
    for name, (subject, body) in MACROS.items():
        note = {"subject": subject, "body": body, "internal": "true"}
        store.objects.macros.create({"name": name, "perform": {"article.note": note}}, admin.id)
    store.objects.tag_list.create({"name": TAG}, admin.id)


def _conditions(account: User, groups: list[str]) -> dict[str, dict[str, Any]]:
    covered = {"ticket.group_id": _is(*groups)}
    agent, note = {"article.sender_id": _is(SENDERS["Agent"])}, {"article.type_id": _is(TYPES["note"])}
    answers = _is(*(TYPES[name] for name in ("email", "phone", "note", "web")))
    not_ours = {
        "article.created_by_id": {"operator": "is not", "pre_condition": "specific", "value": [str(account.id)]}
    }
    internal, public = {"article.internal": _is("true")}, {"article.internal": _is("false")}
    still_open = {"ticket.state_id": {"operator": "is not", "value": [str(STATES["closed"]), str(STATES["merged"])]}}
    return {
        "greffier-message-usager": {"article.sender_id": _is(SENDERS["Customer"])} | still_open | covered,
        "greffier-reponse-agent": agent | public | {"article.type_id": answers} | covered,
        "greffier-demande": internal | note | {"article.subject": _contains("Greffier : ")} | not_ours | covered,
        "greffier-groupe": {"ticket.action": _is("update"), "ticket.group_id": {"operator": "has changed"}},
        "greffier-commande": agent | internal | {"article.body": _contains("@greffier")} | not_ours | covered,
    }


def _is(*values: object) -> dict[str, Any]:
    return {"operator": "is", "value": [str(value) for value in values]}


def _contains(text: str) -> dict[str, str]:
    return {"operator": "contains", "value": text}
