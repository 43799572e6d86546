"""`[sources.NAME]`: what drafts are made from."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from connector.settings import Section, Url
from webhooks.config.sources import Where

SOURCE_NAME = "[a-z][a-z0-9-]{0,39}"
EVERYBODY = "*"
"""No name of an organisation or an audience: a store may write it where there is none."""


class Kind(StrEnum):
    """What a source is, and so how it is read."""

    SERVICE_PUBLIC = "service-public"
    TRAVAIL = "travail"
    ANSWERS = "answers"
    FILES = "files"
    KNOWLEDGE = "knowledge"


def _named(name: str) -> str:
    if not re.fullmatch(SOURCE_NAME, name):
        raise ValueError("a source's name is made of lower-case letters, digits and dashes, at most 40")
    return name


SourceName = Annotated[str, AfterValidator(_named)]
"""The name of a source, which is also that of its corpus."""


def _label(text: str) -> str:
    label = text.strip()
    if label == EVERYBODY or (text and not label):
        raise ValueError(f"a name is wanted, not {text!r}")
    return label


Label = Annotated[str, AfterValidator(_label)]
"""The name of an organisation or an audience, or nothing. Stores compare it, some with and some without its spaces."""
Given = Annotated[Label, Field(min_length=1)]
"""A label that is not empty."""


class SourceSettings(Section):
    """`[sources.NAME]`: documents that drafts are made from. `greffier index` puts them into the index."""

    kind: Kind
    """What it is: `service-public` (the sheets of service-public.fr), `travail` (those of the labour ministry),
    `answers` (answers that were validated before, CSV or JSON Lines), `files` (a folder of PDF, HTML, Markdown, text,
    DOCX, ODT and CSV) or `knowledge` (the helpdesk's own knowledge base)."""
    path: Path | None = None
    """The file or folder that is read. Needed but for `knowledge`; on each machine that indexes."""
    helpdesk: str | None = None
    """For `knowledge`: which helpdesk's. Not needed where there is one only."""
    internal: bool = False
    """For `knowledge`: whether articles for agents alone are read too. Drafts cite them without a link."""
    base_url: Url | None = None
    """For `files`: the public address of the folder, to which a file's place in it is added. Without one, drafts cite
    files without a link."""
    organisation: Label = Field(default="", max_length=200)
    """Whose the documents are: only groups whose profile names the same organisation find them. Empty, everybody's."""
    audience: Label | None = None
    """Whom the documents are written for, such as `particuliers`; empty, for all. By default what the source says."""
    max_age_days: int | None = Field(default=None, ge=1)
    """A document that was updated longer ago is marked in the notes that cite it. By default none is."""
    refresh_hours: float = Field(default=24, ge=0)
    """Hours after which the worker reads it again; 0 is never, for what `greffier index` alone reads. What has not
    changed costs seconds."""
    check_links: bool = False
    """Whether the worker asks for the addresses of the documents, once a day if there are no more than some 28,000, and
    notes mark those that are gone. It needs a way to them; `HTTPS_PROXY` counts. An intranet is not asked."""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind is Kind.KNOWLEDGE and self.path is not None:
            raise ValueError("path is not for knowledge, which is read from the helpdesk")
        if self.kind is not Kind.KNOWLEDGE and self.path is None:
            raise ValueError(f"path is missing: the file or folder of {self.kind}")
        if self.kind is not Kind.KNOWLEDGE and (self.helpdesk is not None or self.internal):
            raise ValueError('helpdesk and internal are for kind = "knowledge" alone')
        if self.kind is not Kind.FILES and self.base_url is not None:
            raise ValueError('base_url is for kind = "files" alone')
        return self


def helpdesk_of(source: SourceSettings, helpdesks: Collection[str]) -> str | None:
    """The name of the helpdesk whose knowledge base a source is; None if that cannot be told."""
    return source.helpdesk or (next(iter(helpdesks)) if len(helpdesks) == 1 else None)


def without_helpdesk(sources: Mapping[str, SourceSettings], helpdesks: Collection[str]) -> Iterator[tuple[Where, str]]:
    """Knowledge bases of no helpdesk that is configured: the path of each setting and what is wrong."""
    for name, source in sources.items():
        if source.kind is Kind.KNOWLEDGE and (given := helpdesk_of(source, helpdesks)) not in helpdesks:
            told = f"no helpdesk is named {given}" if given else "say which one"
            yield ("sources", name, "helpdesk"), f"{told}; configured: {', '.join(helpdesks) or 'none'}"
