"""Triggers that were set up over the API, and what they make of an event.

Only `notification.webhook` is performed: the sandbox has no trigger that changes a ticket or writes to anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webhooks.demo.sandbox.conditions import Subject, matches, named_attributes
from webhooks.demo.sandbox.objects import called
from webhooks.demo.sandbox.records import Event
from webhooks.demo.sandbox.store import Store
from webhooks.demo.sandbox.webhook import Caller, Endpoint


def fired(store: Store, event: Event) -> list[Caller]:
    """The webhooks of the active triggers that the event fires, in the order of the triggers' names."""
    triggers = sorted(store.objects.triggers, key=lambda trigger: str(trigger["name"]).lower())
    return [
        _caller(store, trigger["id"]) for trigger in triggers if trigger["active"] and _fires(store, trigger, event)
    ]


def _fires(store: Store, trigger: Mapping[str, Any], event: Event) -> bool:
    """An update without an article concerns those triggers alone that name what has changed."""
    if called(trigger) is None or trigger.get("activator", "action") != "action":
        return False
    condition = trigger["condition"]
    always = trigger.get("execution_condition_mode") == "always"
    silent = event.action == "update" and event.article is None and not always
    if silent and not event.changed & named_attributes(condition):
        return False
    tags = store.tags.get(event.ticket.id, ())
    return matches(condition, Subject(event.ticket, event.article, tags, store.clock(), event))


def _caller(store: Store, trigger_id: int) -> Caller:
    """Looks the webhook up when it is to be called, for it may have been changed or taken away since."""

    def find() -> Endpoint | None:
        trigger = store.objects.triggers.rows.get(trigger_id)
        webhook = store.objects.webhooks.rows.get(called(trigger) or 0) if trigger else None
        if trigger is None or webhook is None or not webhook["active"]:
            return None
        user, password = webhook.get("basic_auth_username"), webhook.get("basic_auth_password")
        return Endpoint(
            url=webhook["endpoint"],
            trigger=trigger["name"],
            secret=webhook["signature_token"] or "",
            method=webhook.get("http_method") or "post",
            bearer=webhook.get("bearer_token") or "",
            basic=(user, password) if user and password else None,
            payload=webhook.get("custom_payload") if webhook.get("customized_payload") else None,
        )

    return find
