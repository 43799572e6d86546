"""A corpus into a store: only what changed is worked on, text first, and no text is embedded twice."""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from chains.corpora.document import Document, searchable
from chains.draft import Passage
from chains.embedding import Ahead, Embedder, VectorCache, text_digest
from chains.stores.store import Embedded, Store
from connector.errors import GreffierError

log = logging.getLogger("greffier.indexing")

PORTION = 1024
"""Passages without vector that are asked for at once."""
STORED = 256
"""Vectors that are stored at once, at most: as many as are there."""
SLICE = 50_000
"""Passages that go into the store at once, at least: the memory that a run takes, and the BM25 weights made again."""
SETTLED = 600.0
"""Seconds between two times that a store settles what has come in, while a long run goes on."""
FEW = 20
"""So many documents may always go."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """What an indexing run did: documents by fate, and passages whose vectors had to be made."""

    unchanged: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    embedded: int = 0


Progress = Callable[[str, int, int], None]
"""Told what is done ("reading" documents, "embedding" passages), how many, and of how many (0: not known).

Passages without vector are those of all corpora: which are a corpus's own, a store cannot tell cheaply.
"""


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
    with Ahead(embedder, cache) as ahead:
        counts = index_text(corpus, documents, store, ahead, progress, complete=complete, may_remove=may_remove)
        counts = replace(counts, embedded=index_vectors(corpus, store, ahead, progress))
    store.finish()
    log.info("%s: %s", corpus, counts)
    return counts


def index_text(
    corpus: str,
    documents: Iterable[Document],
    store: Store,
    ahead: Ahead,
    progress: Progress = lambda what, done, total: None,
    *,
    complete: Callable[[], bool] = lambda: True,
    may_remove: float = 0.2,
    counted: Callable[[Indexed], None] = lambda counts: None,
) -> Indexed:
    """The first half of `index`: text, and those vectors that are known; the others begin to be made.

    `counted` is told what is in so far, whatever happens then. Raises GreffierError as `index` does.
    """
    known = store.digests(corpus)
    counts, seen = _replace(documents, known, store, ahead, progress, counted)
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
    ahead: Ahead,
    progress: Progress,
    counted: Callable[[Indexed], None],
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
        store.update(_embedded(portion, ahead), [])
        counted(Indexed(**fates))
    counted(counts := Indexed(**fates))
    return counts, seen


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


def index_vectors(
    corpus: str,
    store: Store,
    ahead: Ahead,
    progress: Progress = lambda what, done, total: None,
) -> int:
    """The second half of `index`: give each passage that has no vector its own; how many had to be made."""
    made, done, total = 0, 0, 0
    settled = time.monotonic()
    waiting: deque[Passage] = deque()
    while True:
        if len(waiting) < PORTION:
            known = {passage.id for passage in waiting}
            more = [p for p in store.unembedded(corpus, len(waiting) + PORTION) if p.id not in known]
            ahead.want(more)
            waiting.extend(more)
        if not waiting:
            return made
        if not total:
            statistics = store.statistics()
            total = statistics.passages - statistics.vectors
        vectors, new = ahead.take(waiting, STORED)
        store.embed(vectors)
        made, done = made + new, done + len(vectors)
        progress("embedding", done, total)
        if time.monotonic() - settled > SETTLED:
            store.finish()
            settled = time.monotonic()


def _embedded(documents: Sequence[Document], ahead: Ahead) -> list[Embedded]:
    """Documents with those vectors that are known; the others begin to be made."""
    vectors = ahead.known(passage for document in documents for passage in document.passages)
    entries = [
        Embedded(document, tuple(vectors.get(text_digest(searchable(p))) for p in document.passages))
        for document in documents
    ]
    ahead.begin(
        passage
        for entry in entries
        for passage, vector in zip(entry.document.passages, entry.vectors, strict=True)
        if vector is None
    )
    return entries
