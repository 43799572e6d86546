"""A corpus into a store: only what changed is worked on, text first, and no text is embedded twice."""

from __future__ import annotations

import hashlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

from langchain_core.embeddings import Embeddings

from chains.corpora.document import Document, searchable
from chains.draft import Passage
from chains.stores.store import Embedded, Store
from chains.stores.vectors import to_bytes
from connector.errors import ConfigurationError, GreffierError

log = logging.getLogger("greffier.indexing")

BATCH = 16
"""Texts embedded at once. Each batch is cached before the next: what an interruption loses is a batch or two."""
PORTION = 1024
"""Passages without vector that are asked for at once."""
SLICE = 50_000
"""Passages that go into the store at once, at least: the memory that a run takes, and the BM25 weights made again."""
SETTLED = 600.0
"""Seconds between two times that a store settles what has come in, while a long run goes on."""
FEW = 20
"""So many documents may always go."""


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

    unchanged: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    embedded: int = 0


Progress = Callable[[str, int, int], None]
"""Told what is done ("reading" documents, "embedding" passages), how many, and of how many (0: not known)."""


def index(
    corpus: str,
    documents: Iterable[Document],
    store: Store,
    embedder: Embedder,
    cache: VectorCache,
    progress: Progress = lambda what, done, total: None,
    *,
    complete: Callable[[], bool] = lambda: True,
    may_remove: float = 0.2,
) -> Indexed:
    """Bring a corpus in a store up to date with what `documents` has now.

    A document that is new or has changed is replaced, one that is no longer there is removed. Text is searchable as
    soon as it is in, vectors follow; a run that was interrupted is gone on with by the next one. `complete` is asked
    once all are read: where it says no, what is missing may only be unreadable, and stays. Raises GreffierError,
    before it removes any, where more than the share `may_remove` of the corpus has gone: the source may be broken.
    """
    counts = index_text(corpus, documents, store, embedder, cache, progress, complete=complete, may_remove=may_remove)
    counts = replace(counts, embedded=index_vectors(corpus, store, embedder, cache, progress))
    store.finish()
    log.info("%s: %s", corpus, counts)
    return counts


def index_text(
    corpus: str,
    documents: Iterable[Document],
    store: Store,
    embedder: Embedder,
    cache: VectorCache,
    progress: Progress = lambda what, done, total: None,
    *,
    complete: Callable[[], bool] = lambda: True,
    may_remove: float = 0.2,
) -> Indexed:
    """The first half of `index`: text, and those vectors that are known. Raises GreffierError as `index` does."""
    known = store.digests(corpus)
    counts, seen = _replace(documents, known, store, embedder, cache, progress)
    gone = sorted(known.keys() - seen) if complete() else []
    if len(gone) > max(FEW, may_remove * len(known)):
        raise GreffierError(
            f"{corpus}: {len(gone)} of {len(known)} documents are no longer in the source; nothing was removed."
            " If that is right, run greffier index with --remove-many"
        )
    if gone:
        store.update([], gone)
    return replace(counts, removed=len(gone))


def _replace(
    documents: Iterable[Document],
    known: Mapping[str, str],
    store: Store,
    embedder: Embedder,
    cache: VectorCache,
    progress: Progress,
) -> tuple[Indexed, set[str]]:
    """Put the text of new and changed documents into the store; what was done, and the ids of all documents."""
    fates: Counter[str] = Counter()
    seen: set[str] = set()

    def different() -> Iterator[Document]:
        for document in documents:
            before = known.get(document.id)
            fates["unchanged" if before == document.digest else "added" if before is None else "changed"] += 1
            seen.add(document.id)
            progress("reading", len(seen), 0)
            if before != document.digest:
                yield document

    for portion in _slices(different()):
        store.update(_with_known_vectors(portion, embedder, cache), [])
    return Indexed(**fates), seen


def _slices(documents: Iterable[Document]) -> Iterator[list[Document]]:
    portion: list[Document] = []
    passages = 0
    for document in documents:
        portion.append(document)
        passages += len(document.passages)
        if passages >= SLICE:
            yield portion
            portion, passages = [], 0
    if portion:
        yield portion


def _with_known_vectors(documents: Sequence[Document], embedder: Embedder, cache: VectorCache) -> list[Embedded]:
    digests = {text_digest(text) for document in documents for text in _texts(document)}
    vectors = cache.get_many(embedder.model, embedder.passage_prefix, list(digests))
    _check_dimension(vectors, embedder)
    return [
        Embedded(document, tuple(vectors.get(text_digest(text)) for text in _texts(document))) for document in documents
    ]


def index_vectors(
    corpus: str,
    store: Store,
    embedder: Embedder,
    cache: VectorCache,
    progress: Progress = lambda what, done, total: None,
) -> int:
    """The second half of `index`: give each passage that has no vector its own; how many had to be made."""
    made, done, total = 0, 0, 0
    settled = time.monotonic()
    with ThreadPoolExecutor(1) as ahead:  # the next batch is embedded while the last one is stored
        while passages := store.unembedded(corpus, PORTION):
            if not total:
                statistics = store.statistics()
                total = statistics.passages - statistics.vectors
            batches = [passages[start : start + BATCH] for start in range(0, len(passages), BATCH)]
            futures = [ahead.submit(_vectors, batch, embedder, cache) for batch in batches]
            try:
                for future in futures:
                    vectors, new = future.result()
                    store.embed(vectors)
                    made, done = made + new, done + len(vectors)
                    progress("embedding", done, total)
            except BaseException:
                ahead.shutdown(wait=False, cancel_futures=True)
                raise
            if time.monotonic() - settled > SETTLED:
                store.finish()
                settled = time.monotonic()
    return made


def _vectors(passages: Sequence[Passage], embedder: Embedder, cache: VectorCache) -> tuple[dict[str, bytes], int]:
    """The vector of each passage by its id, and how many had to be made."""
    key = embedder.model, embedder.passage_prefix
    texts = {text_digest(searchable(passage)): searchable(passage) for passage in passages}
    vectors = dict(cache.get_many(*key, list(texts)))
    missing = [digest for digest in texts if digest not in vectors]
    if missing:
        made = embedder.embeddings.embed_documents([texts[digest] for digest in missing])
        fresh = {digest: to_bytes(vector) for digest, vector in zip(missing, made, strict=True)}
        _check_dimension(fresh, embedder)
        cache.put_many(*key, fresh)
        vectors |= fresh
    return {passage.id: vectors[text_digest(searchable(passage))] for passage in passages}, len(missing)


def text_digest(text: str) -> str:
    """The key of a text in the cache: SHA-256 of its UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _texts(document: Document) -> Iterator[str]:
    return map(searchable, document.passages)


def _check_dimension(vectors: Mapping[str, bytes], embedder: Embedder) -> None:
    for vector in vectors.values():
        if len(vector) != 2 * embedder.dimension:
            raise ConfigurationError(
                f"[embeddings] model {embedder.model} gave {len(vector) // 2} numbers for a text and"
                f" {embedder.dimension} for another: give each model a name of its own"
            )
