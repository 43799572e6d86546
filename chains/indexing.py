"""A corpus into a store: only what changed is worked on, and no text is embedded twice."""

from __future__ import annotations

import hashlib
import logging
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from langchain_core.embeddings import Embeddings

from chains.corpora.document import Document, searchable
from chains.stores.store import Embedded, Store
from connector.errors import ConfigurationError

log = logging.getLogger("greffier.indexing")

BATCH = 16
"""Texts embedded at once. Each batch is cached before the next: what an interruption loses is one batch."""


class VectorCache(Protocol):
    """Vectors by model, prefix and SHA-256 of the text (hexadecimal); values are float16, little-endian bytes."""

    def get_many(self, model: str, prefix: str, digests: Sequence[str]) -> Mapping[str, bytes]:
        """The vectors that are known, by digest."""

    def put_many(self, model: str, prefix: str, vectors: Mapping[str, bytes]) -> None:
        """Keep vectors, durably when this returns."""


@dataclass(frozen=True, slots=True)
class Embedder:
    """What makes the vectors of passages: the model's name, how many numbers it gives, what stands before a passage.

    `embeddings` adds the prefix itself; here it only tells apart the vectors of one text under two prefixes.
    """

    model: str
    dimension: int
    passage_prefix: str
    embeddings: Embeddings

    @property
    def name(self) -> str:
        """What an index is made with: vectors of another name cannot be compared."""
        return f"{self.model} after {self.passage_prefix!r}" if self.passage_prefix else self.model


@dataclass(frozen=True, slots=True)
class Indexed:
    """What an indexing run did: documents by fate, and passages whose vectors had to be made."""

    unchanged: int
    replaced: int
    """New ones included."""
    removed: int
    embedded: int


def index(
    documents: Iterable[Document],
    store: Store,
    embedder: Embedder,
    cache: VectorCache,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    complete: Callable[[], bool] = lambda: True,
) -> Indexed:
    """Bring a store up to date with what `documents` has now.

    A document that is new or has changed is replaced, one that is no longer there is removed, within the corpora that
    `documents` names. `progress` is told how many of the changed passages have their vector, and how many there are.
    `complete` is asked once all are read: where it says no, what is missing may only be unreadable, and stays.
    Searches see the whole change at once, at its end.
    """
    present = list(documents)
    known = {id: digest for corpus in {d.corpus for d in present} for id, digest in store.digests(corpus).items()}
    changed = [document for document in present if known.get(document.id) != document.digest]
    gone = sorted(known.keys() - {document.id for document in present}) if complete() else []
    texts = {text_digest(text): text for document in changed for text in _texts(document)}
    vectors, embedded = _vectors(texts, embedder, cache, progress)
    if changed or gone:
        store.update(
            [
                Embedded(document, tuple(vectors[text_digest(text)] for text in _texts(document)))
                for document in changed
            ],
            gone,
        )
    counts = Indexed(len(present) - len(changed), len(changed), len(gone), embedded)
    log.info("%s", counts)
    return counts


def text_digest(text: str) -> str:
    """The key of a text in the cache: SHA-256 of its UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _texts(document: Document) -> Iterator[str]:
    return map(searchable, document.passages)


def _vectors(
    texts: Mapping[str, str], embedder: Embedder, cache: VectorCache, progress: Callable[[int, int], None]
) -> tuple[dict[str, bytes], int]:
    """The vector of each text by its digest, and how many had to be made."""
    key = embedder.model, embedder.passage_prefix
    vectors = dict(cache.get_many(*key, list(texts)))
    _check_dimension(vectors, embedder)
    missing = [digest for digest in texts if digest not in vectors]
    progress(len(vectors), len(texts))
    for batch in _batches(missing):
        made = embedder.embeddings.embed_documents([texts[digest] for digest in batch])
        fresh = {digest: to_bytes(vector) for digest, vector in zip(batch, made, strict=True)}
        _check_dimension(fresh, embedder)
        cache.put_many(*key, fresh)
        vectors |= fresh
        progress(len(vectors), len(texts))
    return vectors, len(missing)


def _check_dimension(vectors: Mapping[str, bytes], embedder: Embedder) -> None:
    for vector in vectors.values():
        if len(vector) != 2 * embedder.dimension:
            raise ConfigurationError(
                f"[embeddings] model {embedder.model} gave {len(vector) // 2} numbers for a text and"
                f" {embedder.dimension} for another: give each model a name of its own"
            )


def _batches(digests: Sequence[str]) -> Iterator[list[str]]:
    remaining = iter(digests)
    while batch := list(islice(remaining, BATCH)):
        yield batch


def to_bytes(vector: Sequence[float]) -> bytes:
    """A vector as the cache keeps it: float16, little-endian."""
    return struct.pack(f"<{len(vector)}e", *vector)
