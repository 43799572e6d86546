"""`[[profile]]`: its settings, and what is wrong between profiles and helpdesks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from pydantic import Field

from connector.settings import HelpdeskSettings, Section
from connector.ticket import Mode
from webhooks.config.corpora import Given, Label
from webhooks.config.sources import Where

MAX_TONE = 300
"""In characters: an instruction, not a second prompt."""


class ProfileSettings(Section):
    """`[[profile]]`: what applies to some groups of a helpdesk. There may be several; where there is none for a group,
    all that is everybody's is searched, and `[retrieval]`, `[note]` and `[reply]` hold as they are."""

    helpdesk: str | None = None
    """The helpdesk's name. Not needed where there is one only."""
    groups: frozenset[str] = frozenset()
    """The groups by their full names. Without any, this is for all groups of the helpdesk that no other profile has."""
    mode: Mode | None = None
    """`draft` or `off`. Whether a group is covered is said in the helpdesk's `groups`; what is said here must agree."""
    corpora: frozenset[Given] | None = Field(default=None, min_length=1)
    """The names of the sources that are searched. By default all."""
    audience: frozenset[Given] | None = Field(default=None, min_length=1)
    """Whom the documents must be written for, such as `["particuliers"]`; those for all audiences are found too.
    By default any."""
    organisation: Label = ""
    """Whose own documents are found beside those that are everybody's. By default nobody's."""
    tone: str = Field(default="", max_length=MAX_TONE)
    """A short instruction to the model on how to write, such as `Explique simplement, par phrases courtes.`"""
    passages: int | None = Field(default=None, ge=1, le=20)
    """How many passages the model is shown. By default as in `[retrieval]`."""
    min_cosine: float | None = Field(default=None, ge=-1, le=1)
    """How near the best passage must be to the question. By default as in `[retrieval]`."""
    language: Literal["fr", "en"] | None = None
    """The language of the note that agents read, by default as in `[note]`; the draft itself is in French."""
    greeting: str | None = None
    """The first line of the draft. This and what follows is by default as in `[reply]`."""
    closing: str | None = None
    """The line after the text."""
    signature: str | None = None
    """What stands below the closing line; it may have several lines."""
    links: str | None = None
    """Comes before the sheets' links in the text that is offered as a shared draft. Empty, they are left out."""
    mention: str | None = None
    """Told to the citizen at the end."""


def desk_of(profile: ProfileSettings, helpdesks: Mapping[str, HelpdeskSettings]) -> str | None:
    """The name of the helpdesk that a profile is for; None if that cannot be told."""
    return profile.helpdesk or (next(iter(helpdesks)) if len(helpdesks) == 1 else None)


def disagreements(
    profiles: Sequence[ProfileSettings], helpdesks: Mapping[str, HelpdeskSettings]
) -> Iterator[tuple[Where, str]]:
    """What profiles say that helpdesks, or other profiles, do not: the path of each setting and what is wrong."""
    taken: dict[tuple[str, str | None], str] = {}
    for number, profile in enumerate(profiles, 1):
        here: Where = ("profile", str(number))
        name = desk_of(profile, helpdesks)
        if name is None or name not in helpdesks:
            told = f"no helpdesk is named {name}" if name else "say which one"
            yield (*here, "helpdesk"), f"{told}; configured: {', '.join(helpdesks) or 'none'}"
            continue
        groups: list[str | None] = [*sorted(profile.groups)] or [None]
        for group in groups:
            if (name, group) in taken:
                which = f"the group {group}" if group else f"the helpdesk {name} as a whole"
                yield (*here, "groups"), f"{which} has a profile already: {taken[name, group]}"
            taken.setdefault((name, group), ".".join(here))
        for group in sorted(profile.groups - helpdesks[name].groups.keys()):
            yield (*here, "groups"), f"{group} is not in helpdesks.{name}.groups"
    yield from _contradictions(profiles, helpdesks, taken)


def _contradictions(
    profiles: Sequence[ProfileSettings],
    helpdesks: Mapping[str, HelpdeskSettings],
    taken: Mapping[tuple[str, str | None], str],
) -> Iterator[tuple[Where, str]]:
    for number, profile in enumerate(profiles, 1):
        name = desk_of(profile, helpdesks)
        if profile.mode is None or name is None or name not in helpdesks:
            continue
        for group, mode in helpdesks[name].groups.items():
            its_own = group in profile.groups or (not profile.groups and (name, group) not in taken)
            if its_own and mode is not profile.mode:
                here: Where = ("profile", str(number), "mode")
                yield here, f'"{profile.mode}", but helpdesks.{name}.groups says "{mode}" of {group}'
