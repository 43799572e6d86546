"""What every corpus yields: documents cut into passages, ready to be indexed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from chains.corpora.chunks import Section, chunks, titled
from chains.corpora.plain import visible
from chains.draft import Passage


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a corpus.

    `id` is unique among all corpora: it begins with the corpus and a colon. A passage's is its document's with
    `#` and its number, from 0.
    `corpus` is the set within which documents disappear: indexing a corpus again removes those that it no longer has.
    `organisation` is whose it is, empty for what is everybody's; `audience` whom it is written for, empty for all;
    `theme` what the source files it under. `mentions` is what is said of it elsewhere, such as the texts of the links
    to it: other words for the same thing.
    """

    id: str
    corpus: str
    title: str
    url: str
    date: date | None
    passages: tuple[Passage, ...]
    organisation: str = ""
    audience: str = ""
    theme: str = ""
    mentions: str = ""

    @property
    def text(self) -> str:
        """The whole document, for the search over whole documents."""
        return "\n".join([self.title, *(body(passage) for passage in self.passages)])

    @property
    def digest(self) -> str:
        """A fingerprint of everything that the index keeps: equal digests need no work."""
        content = [self.corpus, self.title, self.url, str(self.date), self.organisation, self.audience, self.theme]
        content.append(self.mentions)
        content += [f"{passage.id}\n{' > '.join(passage.path)}\n{passage.text}" for passage in self.passages]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one file says: `title` is empty and `date` None where it does not tell; `cut` says what is missing."""

    sections: list[Section]
    title: str = ""
    date: date | None = None
    cut: str = ""


def cut_document(
    sections: Iterable[Section],
    *,
    id: str,
    corpus: str,
    title: str,
    url: str,
    date: date | None,
    audience: str = "",
    theme: str = "",
    mentions: str = "",
) -> Document:
    """A document from its sections; it has no passages if they have no text.

    Whatever it is made of, nothing in it is what a database refuses.
    """
    id, title, url, audience, theme, mentions = map(visible, (id, title, url, audience, theme, mentions))
    passages = tuple(
        Passage(f"{id}#{number}", id, title, tuple(map(visible, path)), visible(text), url, date)
        for number, (path, text) in enumerate(chunks(sections))
    )
    return Document(id, corpus, title, url, date, passages, audience=audience, theme=theme, mentions=mentions)


def body(passage: Passage) -> str:
    """A passage with the titles that lead to it: what it says, and in which case that holds."""
    return titled(passage.path, passage.text)


def searchable(passage: Passage) -> str:
    """The text by which a passage is found: analysed for the lexical search, embedded for the nearest vectors."""
    return f"{passage.title}\n{body(passage)}"
