"""What differs from one version of Zammad to the next, as far as Greffier meets it.

5.2 was seen running. The others follow its source (6.6 and 7.0 development trees, 7.2 development tree) and its
documentation; where those are silent about 6.5, the nearest version that was read decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Columns = Mapping[str, Any]

_WEBHOOK: Columns = {
    "name": None,
    "endpoint": None,
    "signature_token": None,
    "ssl_verify": True,
    "note": "",
    "active": True,
}
_WEBHOOK_6: Columns = {
    "name": None,
    "endpoint": None,
    "signature_token": None,
    "ssl_verify": True,
    "basic_auth_username": None,
    "basic_auth_password": None,
    "note": None,
    "pre_defined_webhook_type": None,
    "customized_payload": False,
    "custom_payload": None,
    "preferences": {},
    "active": True,
}
_TRIGGER: Columns = {
    "name": None,
    "condition": None,
    "perform": {},
    "disable_notification": True,
    "note": None,
    "active": True,
}
_CHECKLISTS: Columns = {"last_close_at": None, "checklist_id": None}
_PERSON: Columns = {"overview_sorting_ids": [], "two_factor_preference_ids": [], "address": ""}


@dataclass(frozen=True, slots=True)
class Version:
    """One version: its number, what it does, and the columns that it has."""

    number: str
    article_action: bool = False
    """Conditions know `article.action`, and may be trees; before, both are a 422."""
    custom_payload: bool = False
    """A webhook may carry its own payload and a basic authentication."""
    http_method: bool = False
    """A webhook may choose the method, and carry a bearer token."""
    redirects: bool = True
    """A delivery follows one redirect, as GET with the same body."""
    media_type: str = "application/json"
    """Of a delivery."""
    masks: bool = False
    """Secrets are read as ten stars."""
    lists: bool = False
    """A search answers a list, where 5.2 answers ids with all they refer to."""
    hides_inline: bool = False
    """Images that stand in the text are left out of an article's attachments."""
    cleans_drafts: bool = False
    """The body of a shared draft is sanitised, as an article's is."""
    guards_tags: bool = False
    """Tags of a ticket are changed by those alone who may change the ticket."""
    token_words: tuple[str, str] = ("label", "name")
    """What a new token is called in the request, and what carries it in the answer."""
    repeats_members: bool = True
    """A group lists its members once for each of their rights."""
    duplicate: str = "Object already exists!"
    forbidden: str = "Not authorized (user)!"
    """To whoever lacks the permission for a set-up object."""
    webhook: Columns = field(default_factory=lambda: _WEBHOOK)
    trigger: Columns = field(default_factory=lambda: _TRIGGER)
    ticket: Columns = field(default_factory=dict)
    """Columns added to those of 5.2, empty."""
    ticket_associations: Columns = field(default_factory=dict)
    article: Columns = field(default_factory=dict)
    person: Columns = field(default_factory=dict)
    group: Columns = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()
    """Columns of 5.2 that are gone."""


_V52 = Version("5.2")
_V65 = replace(
    _V52,
    number="6.5",
    article_action=True,
    custom_payload=True,
    media_type="application/json; charset=utf-8",
    lists=True,
    guards_tags=True,
    token_words=("name", "token"),
    repeats_members=False,
    duplicate="This object already exists.",
    forbidden="Not authorized",
    webhook=_WEBHOOK_6,
    trigger={"activator": "action", "execution_condition_mode": "selective", **_TRIGGER},
    ticket=_CHECKLISTS,
    ticket_associations={"referencing_checklist_ids": [], "referencing_checklists": []},
    article={"detected_language": None, "time_unit": None},
    person=_PERSON,
    group={"parent_id": None, "reopen_time_in_days": None},
    dropped=frozenset({"karma_user_ids", "karma_user", "references", "accounts"}),
)
_V70 = replace(
    _V65,
    number="7.0",
    http_method=True,
    redirects=False,
    masks=True,
    hides_inline=True,
    cleans_drafts=True,
    webhook={**_WEBHOOK_6, "http_method": "post", "bearer_token": None},
    ticket={**_CHECKLISTS, "ai_agent_running": False},
    ticket_associations={**_V65.ticket_associations, "ai_stored_result_ids": [], "ai_stored_results": []},
    article={**_V65.article, "ai_stored_result_ids": [], "ai_stored_results": []},
)

VERSIONS = {version.number: version for version in (_V52, _V65, _V70, replace(_V70, number="7.2"))}
"""By the number that `SandboxConfig` takes."""
