"""What the page shows of the helpdesk's records, in the words of French readers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape

from webhooks.demo.sandbox.page.access import the_page
from webhooks.demo.sandbox.records import Article, Draft, Ticket
from webhooks.demo.sandbox.sanitiser import sanitise

STATES = {
    "new": "Nouvelle",
    "open": "En cours",
    "pending reminder": "En attente",
    "closed": "Close",
    "merged": "Fusionnée",
}
CHANNELS = {"web": "Formulaire web", "email": "Courriel", "phone": "Téléphone, noté par un agent"}
"""The ways by which whoever opens the page may write as a citizen, by Zammad's word."""
DONE = {
    "clore": "La demande est close.",
    "rouvrir": "La demande est rouverte.",
    "deplacer": "La demande a changé de service.",
    "fusionner": "Les messages de l’autre demande sont maintenant ici.",
    "macro": "La macro est appliquée.",
    "brouillon": "Le brouillon partagé est enregistré.",
    "suppression": "Le brouillon partagé est supprimé.",
}
"""What is said after something was done, by the word in the address."""
_CAME_BY = {"web": "reçu par le formulaire", "email": "reçu par courriel"}
_MONTHS = ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."]


def message(article: Article) -> dict[str, Any]:
    """What the conversation shows of an article: its kind decides side, frame and label."""
    page = the_page()
    writer = page.actions.store.users[article.created_by_id]
    author, kind, label, seen = writer.fullname, "agent", "Réponse publique", "visible de l’usager"
    if article.internal:
        kind, label, seen = "note", "Note interne", "visible des agents seulement"
    elif article.sender == "Customer":
        kind, label, seen = "usager", "Usager", _CAME_BY.get(article.type, "reçu par le guichet")
        if writer.is_agent:
            author = page.actions.store.users[article.origin_by_id or writer.id].fullname
            seen = f"appel noté par {writer.fullname}"
    elif article.type == "note":
        label = "Note publique"
    return {"article": article, "author": author.strip("- ") or "Système", "kind": kind, "label": label, "seen": seen}


def row(ticket: Ticket) -> dict[str, Any]:
    """What the list shows of a ticket."""
    page = the_page()
    store, account = page.actions.store, page.account
    articles = store.articles_of(ticket)
    return {
        "ticket": ticket,
        "group": store.groups[ticket.group_id].name,
        "customer": store.users[ticket.customer_id].fullname,
        "messages": sum(not article.internal for article in articles),
        "has_note": any(article.internal and article.created_by_id == account.id for article in articles),
        "has_draft": draft_of(ticket) is not None,
    }


def desk(ticket: Ticket) -> dict[str, Any]:
    """What an agent may do with the ticket beside writing: macros, other groups, tickets to merge it into."""
    store = the_page().actions.store
    macros = [one for one in store.objects.macros if one["active"] and _is_for(ticket.group_id, one)]
    others = [one for one in store.tickets.values() if one.id != ticket.id and one.state != "merged"]
    return {
        "macros": sorted(macros, key=lambda one: str(one["name"])),
        "groups": [group for group in list(store.groups.values()) if group.active and group.id != ticket.group_id],
        "others": sorted(others, key=lambda one: one.updated_at, reverse=True),
        "parent": store.tickets.get(store.parents.get(ticket.id, 0)),
    }


def draft_of(ticket: Ticket) -> Draft | None:
    """The shared draft, where the group shows it."""
    store = the_page().actions.store
    return store.drafts.get(ticket.id) if store.groups[ticket.group_id].shared_drafts else None


def offer(ticket: Ticket) -> dict[str, Any]:
    """The shared draft as it is offered. `draft_version` changes with it, and is 0 without one."""
    draft = draft_of(ticket)
    author = the_page().actions.store.users[draft.updated_by_id].fullname if draft else ""
    version = round(draft.updated_at.timestamp() * 1000) if draft else 0
    return {"ticket": ticket, "draft": draft, "draft_author": author, "draft_version": version}


def day(moment: datetime) -> str:
    """A moment as French readers write it, in the time of the machine."""
    local = moment.astimezone()
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year} à {local:%H:%M}"


def body(record: Article | Draft) -> Markup:
    """What an article or a draft says, safe to show: text is escaped, and HTML cleaned once more."""
    if isinstance(record, Draft):
        return Markup(sanitise(str(record.new_article.get("body", ""))))  # noqa: S704
    if record.content_type == "text/html":
        return Markup(sanitise(record.body))  # noqa: S704
    return escape(record.body)


def _is_for(group_id: int, macro: Mapping[str, Any]) -> bool:
    """A macro without groups is for all."""
    groups = {int(id) for id in macro["group_ids"] or ()}
    return not groups or group_id in groups
