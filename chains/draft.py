"""What a chain says: a draft made of statements, or an abstention with its reason."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document, with what a citation of it needs.

    `path` is the titles that lead to it within the document: a paragraph under « Vous avez moins de 25 ans » holds
    only there. `url` is the document's public address and `date` its last update, both as the source gives them.
    """

    id: str
    document: str
    title: str
    path: tuple[str, ...]
    text: str
    url: str
    date: datetime.date | None = None

    @property
    def corpus(self) -> str:
        """The name of the corpus that it is in, with which the ids of its documents begin."""
        return self.document.partition(":")[0]


class Warning(StrEnum):
    """Why a statement is marked for the agent."""

    UNSUPPORTED_FIGURE = "unsupported_figure"
    """A figure, date or amount stands in no passage that the statement names."""
    NO_SOURCE = "no_source"
    """The statement names no passage."""
    LINK_REMOVED = "link_removed"
    """The model had written an address, which was taken out."""
    CUT = "cut"
    """The sentence has no end."""
    LANGUAGE = "language"
    """Not in the language of the reply."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of a draft.

    `passages` are indexes (from 0) into the draft's passages; `doubtful` are the runs of `text` that no cited
    passage proves, word for word.
    """

    text: str
    passages: tuple[int, ...]
    warnings: tuple[Warning, ...] = ()
    doubtful: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A reply to propose: statements and the passages that they cite, with what made them."""

    statements: tuple[Statement, ...]
    passages: tuple[Passage, ...]
    language: str
    model: str
    prompt_version: str


class AbstentionReason(StrEnum):
    """Why there is no draft. Decided by code, never by the model."""

    NO_SOURCE = "no_source"
    """Nothing in the corpus is near enough to the question."""
    NOTHING_STANDS = "nothing_stands"
    """No statement of the model could be tied to a passage."""


@dataclass(frozen=True, slots=True)
class Abstention:
    """No draft, and why; `passages` are the nearest that were found, for the agent to look at."""

    reason: AbstentionReason
    passages: tuple[Passage, ...]
    language: str
    model: str = ""
    prompt_version: str = ""
