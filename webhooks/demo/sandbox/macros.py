"""Macros: what an agent does to a ticket with one click."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webhooks.demo.sandbox.records import PRIORITIES, STATES, SYSTEM_USER, NewArticle, User
from webhooks.demo.sandbox.store import Store


def perform(store: Store, macro: Mapping[str, Any], ticket_id: int, agent: User, *, new_ui: bool = False) -> None:
    """Do to the ticket what the macro says, in one transaction.

    The classic pages do it in the browser, so that the note is the agent's. The new ones let the server do it: the
    note is of sender System by nobody, and marked in its preferences (service/ticket/update.rb, article_note.rb of
    7.2).
    """
    note = macro["perform"].get("article.note")
    new = None
    if note is not None:
        new = NewArticle(
            body=str(note["body"]),
            content_type="text/html",
            subject=str(note["subject"]),
            internal=str(note["internal"]).lower() == "true",
            sender="System" if new_ui else "Agent",
            preferences={"perform_origin": "macro", "notification": True} if new_ui else {},
        )
    writer = store.users[SYSTEM_USER] if new_ui else agent
    store.update_ticket(agent, ticket_id, _columns(macro["perform"]), new, writer)
    tags = macro["perform"].get("ticket.tags")
    for tag in str(tags.get("value") or "").split(",") if tags else ():
        store.tag(ticket_id, tag.strip(), remove=tags.get("operator") == "remove")


def _columns(actions: Mapping[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for column, known in (("state", STATES), ("priority", PRIORITIES)):
        if f"ticket.{column}_id" in actions:
            wanted = int(actions[f"ticket.{column}_id"]["value"])
            columns[column] = next(word for word, id in known.items() if id == wanted)
    for column in ("group_id", "owner_id", "customer_id"):
        action = actions.get(f"ticket.{column}")
        if action is not None:
            columns[column] = SYSTEM_USER if action.get("pre_condition") == "not_set" else int(action["value"])
    return columns
