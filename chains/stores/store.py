"""What retrieval and indexing need from a store: two searches and a way to replace documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, Protocol, runtime_checkable

from chains.corpora.document import Document
from chains.draft import Passage


class Scope(IntEnum):
    """What a lexical search looks at. The numbers are stored."""

    PASSAGES = 1
    """Each passage, with its title and its path of titles."""
    TITLES = 2
    """The title of each document."""
    DOCUMENTS = 3
    """Each document as a whole."""
    MENTIONS = 4
    """What is said of each document elsewhere."""


@dataclass(frozen=True, slots=True)
class Within:
    """What a search may find. Made by code from the profile of a ticket's group, never from a text.

    An `organisation` finds what is its own and what is everybody's; without one, only what is everybody's is found.
    None in `corpora` or `audiences` is all of them; a document for all audiences is found for each of them.
    """

    organisation: str = ""
    corpora: frozenset[str] | None = None
    audiences: frozenset[str] | None = None


SHARED = Within()
"""All that is everybody's."""


class Hit(NamedTuple):
    """Something found: a passage, or in all scopes but `PASSAGES` a document (then `id == document`).

    `score` is BM25 for a lexical search and the cosine for a search by vector; higher is nearer.
    """

    id: str
    document: str
    score: float


@dataclass(frozen=True, slots=True)
class Embedded:
    """A document to index, with the vector of each of its passages in their order: float16, little-endian bytes.

    None stands for a vector that is not made yet: `Store.embed` adds it.
    """

    document: Document
    vectors: tuple[bytes | None, ...]


@dataclass(frozen=True, slots=True)
class Statistics:
    """What an index holds; `vectors` is how many of the passages have theirs."""

    documents: int
    passages: int
    vectors: int
    embedder: str
    dimension: int


@runtime_checkable
class Store(Protocol):
    """An index of passages. It is derived data: it can always be made again from the corpora.

    Text goes in and is searched as the stems of `chains.analyser`. An index made by another embedder or analyser is not
    searched: every method that reads raises ConfigurationError then, and where there is no index at all.
    """

    def search(self, scope: Scope, stems: Sequence[str], limit: int, within: Within = SHARED) -> list[Hit]:
        """The best by BM25 among what holds at least one of the stems, best first."""

    def nearest(self, vector: Sequence[float], limit: int, within: Within = SHARED) -> list[Hit]:
        """The passages whose vectors are nearest, best first; those without one are not found."""

    def middles(self, vector: Sequence[float], documents: Sequence[str], within: Within = SHARED) -> dict[str, float]:
        """How near each of those documents is as a whole: the cosine with the mean of its passages' vectors.

        One that has no vector yet, or is not within, is missing.
        """

    def rarities(self, stems: Sequence[str], within: Within = SHARED) -> dict[str, float]:
        """How much each stem says: its inverse document frequency, highest for one that no document holds.

        A store may count more documents than are within: no text of theirs is told.
        """

    def passages(self, ids: Sequence[str], within: Within = SHARED) -> dict[str, Passage]:
        """Passages by id; one that has gone meanwhile, or is not within, is missing."""

    def digests(self, corpus: str) -> Mapping[str, str]:
        """The digest of each document that a corpus has in this index, by id; empty if there is no such index yet."""

    def update(self, replaced: Sequence[Embedded], removed: Sequence[str]) -> None:
        """Add or replace documents and remove others by id. What an interruption leaves, the same call mends."""

    def erase(self, organisation: str) -> None:
        """Take out of this index all that is an organisation's own, for good. `others` are left as they are."""

    def unembedded(self, corpus: str, limit: int) -> list[Passage]:
        """Passages of a corpus that have no vector yet."""

    def embed(self, vectors: Mapping[str, bytes]) -> None:
        """Give passages their vectors, by id; a passage that has gone meanwhile is passed over."""

    def finish(self) -> None:
        """What is done once after many changes. Searches work without it, some slower."""

    def publish(self) -> None:
        """Let searches find what was made beside the index in use, once all corpora are in; else it does nothing."""

    def unpublished(self) -> bool:
        """Whether searches do not find yet what this store writes: `publish` is to follow."""

    def others(self) -> list[str]:
        """The names of all other indexes that are still there; what was erased from this one may stand in them."""

    def drop_others(self) -> list[str]:
        """Drop all indexes but the one in use, for good; their names.

        Raises ConfigurationError, and drops none, where this store's own is not in use.
        """

    def statistics(self) -> Statistics:
        """How much the index holds, and who made its vectors."""

    def close(self) -> None:
        """Let go of what the store alone holds."""
