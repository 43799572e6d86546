"""Which profile applies to a ticket: what may be found for it, and how its note is written."""

from __future__ import annotations

from dataclasses import replace

from chains.profile import Profile
from chains.stores.store import Within
from connector.ticket import Ticket
from webhooks.config.drafting import ReplySettings
from webhooks.config.profile import ProfileSettings, desk_of
from webhooks.freshness import Freshness
from webhooks.note import Writer
from webhooks.settings import Settings

_NONE = ProfileSettings()


class Profiles:
    """The profile of each group, and the general settings where it says nothing.

    Only the name of the ticket's group decides, which agents set: never what a citizen writes.
    """

    def __init__(self, settings: Settings, freshness: Freshness | None = None) -> None:
        """`freshness` says which sheets agents are warned of; without it, of none."""
        self._settings = settings
        self._freshness = freshness or Freshness()
        self._given: dict[tuple[str | None, str | None], ProfileSettings] = {}
        for given in settings.profile:
            name = desk_of(given, settings.helpdesks)
            self._given |= {(name, group): given for group in (given.groups or (None,))}

    def of(self, ticket: Ticket) -> Profile:
        """How its messages are answered."""
        given, limits = self._find(ticket), self._settings.retrieval
        return Profile(
            within=Within(given.organisation, given.corpora, given.audience),
            tone=given.tone.strip(),
            passages=limits.passages if given.passages is None else given.passages,
            min_cosine=limits.min_cosine if given.min_cosine is None else given.min_cosine,
        )

    def alike(self, ticket: Ticket, group: str | None) -> bool:
        """Whether the same may be found for the ticket as it was in that group; None is the group where it is."""
        return group is None or self.of(ticket).within == self.of(replace(ticket, group=group)).within

    def writer(self, ticket: Ticket) -> Writer:
        """What writes its notes."""
        given, reply = self._find(ticket), self._settings.reply
        names = ReplySettings.model_fields
        own = {name: text for name in names if (text := getattr(given, name)) is not None}
        return Writer(given.language or self._settings.note.language, reply.model_copy(update=own), self._freshness)

    def _find(self, ticket: Ticket) -> ProfileSettings:
        general = self._given.get((ticket.helpdesk, None), _NONE)
        return self._given.get((ticket.helpdesk, ticket.group), general)
