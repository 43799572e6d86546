"""What stands in Weaviate: an object for each passage, with its vector, and one for each document.

What is searched by its words are the stems of our own analyser, which Weaviate only cuts at the spaces.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum
from itertools import chain
from typing import Any, NamedTuple

from weaviate.classes.config import DataType, Property, Tokenization
from weaviate.classes.data import DataObject

from chains.analyser import stems
from chains.corpora.document import Document, body
from chains.draft import Passage
from chains.stores.store import Embedded, Scope
from chains.stores.vectors import floats
from chains.stores.weaviate_ids import document_id, passage_id

LAYOUT = 2
"""Changed by hand with what is below: an index with another layout is not read but made again."""
EVERYBODY = "*"
"""Stands for no organisation and for all audiences: an empty text cannot be filtered for."""


class Kind(StrEnum):
    """The two collections."""

    PASSAGE = "Passage"
    DOCUMENT = "Document"


class Words(NamedTuple):
    """The stems of a document: of its title, and of each of its passages without it."""

    title: list[str]
    bodies: list[list[str]]

    @classmethod
    def of(cls, document: Document) -> Words:
        """Each text is analysed once: a passage is searched with its title, and the document is both together."""
        return cls(stems(document.title), [stems(body(passage)) for passage in document.passages])


STEMS = {
    Scope.PASSAGES: (Kind.PASSAGE, "stems"),
    Scope.TITLES: (Kind.DOCUMENT, "title_stems"),
    Scope.DOCUMENTS: (Kind.DOCUMENT, "text_stems"),
    Scope.MENTIONS: (Kind.DOCUMENT, "mention_stems"),
}
"""Where each scope is searched."""


def announced_object(document: Document) -> DataObject[Any, None]:
    """A document that is to come. It has no digest, so that whatever happens it is worked on again."""
    properties = {"key": document.id, "digest": "", "complete": False, "averaged": False, **_place(document)}
    return DataObject(uuid=document_id(document.id), properties=properties)


def document_object(document: Document, words: Words, vector: Sequence[float] | None) -> DataObject[Any, None]:
    """A document whose passages are all there, with the mean of their vectors where it is known."""
    properties = {
        "key": document.id,
        "digest": document.digest,
        "complete": True,
        "title_stems": " ".join(words.title),
        "text_stems": " ".join(chain(words.title, *words.bodies)),
        "mention_stems": " ".join(stems(document.mentions)),
        "averaged": vector is not None,
        **_place(document),
    }
    return DataObject(uuid=document_id(document.id), properties=properties, vector=vector)


def passage_objects(entry: Embedded, words: Words) -> Iterator[DataObject[Any, None]]:
    """The passages of a document, found by their words at once and by their vectors when they have one."""
    document = entry.document
    place, revision = _place(document), document.digest
    for passage, vector, said in zip(document.passages, entry.vectors, words.bodies, strict=True):
        properties = {
            "key": passage.id,
            "document": document.id,
            "revision": revision,
            "embedded": vector is not None,
            "title": passage.title,
            "path": list(passage.path),
            "text": passage.text,
            "url": passage.url,
            "date": passage.date.isoformat() if passage.date else "",
            "stems": " ".join(chain(words.title, said)),
            **place,
        }
        yield DataObject(
            uuid=passage_id(passage.id), properties=properties, vector=None if vector is None else floats(vector)
        )


def as_passage(properties: Any) -> Passage:
    """A passage as it was given, from an object's properties."""
    day = date.fromisoformat(properties["date"]) if properties.get("date") else None
    return Passage(
        properties["key"],
        properties["document"],
        properties["title"],
        tuple(properties.get("path") or ()),
        properties["text"],
        properties["url"],
        day,
    )


def _place(document: Document) -> dict[str, str]:
    """What searches are limited by."""
    return {
        "corpus": document.corpus,
        "organisation": document.organisation or EVERYBODY,
        "audience": document.audience or EVERYBODY,
        "theme": document.theme,
    }


def _analysed(name: str) -> Property:
    return Property(name=name, data_type=DataType.TEXT, tokenization=Tokenization.WHITESPACE)


def _filter(name: str) -> Property:
    return Property(name=name, data_type=DataType.TEXT, tokenization=Tokenization.FIELD, index_searchable=False)


def _flag(name: str) -> Property:
    return Property(name=name, data_type=DataType.BOOL)


def _kept(name: str) -> Property:
    return Property(name=name, data_type=DataType.TEXT, index_filterable=False, index_searchable=False)


def _path(name: str) -> Property:
    return Property(name=name, data_type=DataType.TEXT_ARRAY, index_filterable=False, index_searchable=False)


_PLACE = dict.fromkeys(("corpus", "organisation", "audience", "theme"), _filter)
PROPERTIES = {
    Kind.PASSAGE: {
        "key": _kept, "document": _filter, "revision": _filter, "embedded": _flag, "title": _kept, "path": _path,
        "text": _kept, "url": _kept, "date": _kept, "stems": _analysed, **_PLACE,
    },
    Kind.DOCUMENT: {
        "key": _kept, "digest": _kept, "complete": _flag, "title_stems": _analysed, "text_stems": _analysed,
        "mention_stems": _analysed, "averaged": _flag, **_PLACE,
    },
}  # fmt: skip
