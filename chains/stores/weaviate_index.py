"""What the index in Weaviate is made of: its collections, their names and their objects. `weaviate.py` uses it.

Two collections: one object for each passage, with its vector, and one for each document. What is searched by its words
are the stems of our own analyser, which Weaviate only cuts at the spaces.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import islice
from typing import Any, Literal, TypeVar

from weaviate import WeaviateClient
from weaviate.classes.config import Configure, DataType, Property, Tokenization, VectorDistances
from weaviate.classes.data import DataObject

from chains.analyser import ANALYSER_VERSION, stems
from chains.corpora.document import Document, searchable
from chains.draft import Passage
from chains.stores.store import Scope
from chains.stores.vectors import floats

LAYOUT = 1
"""Changed by hand with what is below: an index with another layout is not read but made again."""
K1, B = 1.5, 0.75
"""BM25: how fast repeats stop counting, and how much length does."""
EVERYBODY = "*"
"""Stands for no organisation and for all audiences: an empty text cannot be filtered for."""
_IDS = uuid.UUID("6f1d1f0e-3f0c-5c36-9a55-2f5a0b0f7c11")
_T = TypeVar("_T")

Consistency = Literal["one", "quorum", "all"]


class Kind(StrEnum):
    """The two collections."""

    PASSAGE = "Passage"
    DOCUMENT = "Document"


STEMS = {
    Scope.PASSAGES: (Kind.PASSAGE, "stems"),
    Scope.TITLES: (Kind.DOCUMENT, "title_stems"),
    Scope.DOCUMENTS: (Kind.DOCUMENT, "text_stems"),
}
"""Where each scope is searched."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How an index is laid out in Weaviate. `replicas` and `tenants` count when it is made."""

    prefix: str = "Greffier"
    """What the names of our collections begin with."""
    tenants: bool = False
    """Whether each organisation has a tenant of its own."""
    replicas: int = 1
    consistency: Consistency = "quorum"
    """How many of the replicas must agree."""


USUAL = Layout()


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one embedder's index. Each is made as a generation, and found by its alias."""

    layout: Layout
    embedder: str
    dimension: int

    @property
    def base(self) -> str:
        """What all its names begin with."""
        made_with = [LAYOUT, ANALYSER_VERSION, self.embedder, self.dimension, self.layout.tenants]
        return f"{self.layout.prefix}_{hashlib.sha256(json.dumps(made_with).encode()).hexdigest()[:12]}"

    def alias(self, kind: Kind) -> str:
        """What searches ask for."""
        return f"{self.base}_{kind}"

    def collection(self, kind: Kind, generation: int) -> str:
        """What is really there."""
        return f"{self.base}_{generation}_{kind}"

    def generation(self, collection: str) -> int | None:
        """The generation of a collection by its name; None if it is not ours."""
        number = collection.removeprefix(f"{self.base}_").partition("_")[0]
        return int(number) if collection.startswith(f"{self.base}_") and number.isdecimal() else None


def create(client: WeaviateClient, names: Names, generation: int) -> None:
    """Make the empty collections of a generation; one that is there already stays."""
    about = json.dumps({"embedder": names.embedder, "dimension": names.dimension})
    for kind, properties in _PROPERTIES.items():
        name = names.collection(kind, generation)
        if client.collections.exists(name):
            continue
        client.collections.create(
            name,
            description=about,
            properties=[make(name) for name, make in properties.items()],
            inverted_index_config=Configure.inverted_index(bm25_k1=K1, bm25_b=B),
            vector_config=Configure.Vectors.self_provided(
                vector_index_config=Configure.VectorIndex.hnsw(distance_metric=VectorDistances.COSINE)
            ),
            replication_config=Configure.replication(factor=names.layout.replicas),
            multi_tenancy_config=Configure.multi_tenancy(
                enabled=names.layout.tenants, auto_tenant_creation=names.layout.tenants
            ),
        )


def about(client: WeaviateClient, collection: str) -> tuple[str, int]:
    """The embedder of a collection and how many numbers it gives."""
    stored = json.loads(client.collections.use(collection).config.get(simple=True).description or "{}")
    return stored.get("embedder", "?"), stored.get("dimension", 0)


def document_object(document: Document, *, complete: bool) -> DataObject[Any, None]:
    """A document; until it is complete it has no digest, so that whatever happens it is worked on again."""
    properties = {
        "key": document.id,
        "digest": document.digest if complete else "",
        "complete": complete,
        "title_stems": " ".join(stems(document.title)),
        "text_stems": " ".join(stems(document.text)),
        **_place(document),
    }
    return DataObject(uuid=object_id(document.id), properties=properties)


def passage_object(document: Document, passage: Passage, vector: bytes | None) -> DataObject[Any, None]:
    """A passage of a document, found by its words at once and by its vector when it has one."""
    properties = {
        "key": passage.id,
        "document": document.id,
        "revision": document.digest,
        "embedded": vector is not None,
        "title": passage.title,
        "path": list(passage.path),
        "text": passage.text,
        "url": passage.url,
        "date": passage.date.isoformat() if passage.date else "",
        "stems": " ".join(stems(searchable(passage))),
        **_place(document),
    }
    return DataObject(
        uuid=object_id(passage.id), properties=properties, vector=None if vector is None else floats(vector)
    )


def passage(properties: Any) -> Passage:
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


def tenant(organisation: str) -> str:
    """The tenant of an organisation, whose name may have any letters; that of everybody's documents for none."""
    return f"org-{hashlib.sha256(organisation.encode()).hexdigest()[:32]}" if organisation else "shared"


def object_id(key: str) -> uuid.UUID:
    """The same thing has the same id for ever: what is inserted twice is there once."""
    return uuid.uuid5(_IDS, key)


def batches(things: list[_T], size: int) -> Iterator[list[_T]]:
    """A list in parts of that size."""
    remaining = iter(things)
    while batch := list(islice(remaining, size)):
        yield batch


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
_PROPERTIES = {
    Kind.PASSAGE: {
        "key": _kept, "document": _filter, "revision": _filter, "embedded": _flag, "title": _kept, "path": _path,
        "text": _kept, "url": _kept, "date": _kept, "stems": _analysed, **_PLACE,
    },
    Kind.DOCUMENT: {
        "key": _kept, "digest": _kept, "complete": _flag, "title_stems": _analysed, "text_stems": _analysed, **_PLACE,
    },
}  # fmt: skip
