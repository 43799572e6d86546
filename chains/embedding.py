"""Vectors made beside other work: an embedder is never kept waiting for a store or a cache."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from langchain_core.embeddings import Embeddings

from chains.corpora.document import searchable
from chains.draft import Passage
from chains.stores.vectors import to_bytes
from connector.errors import ConfigurationError

BATCH = 16
"""Texts embedded at once, by an embedder of which nothing else is known."""
MOST = 50_000
"""Texts that may wait for the embedder while a corpus is read: about 50 MB."""


class VectorCache(Protocol):
    """Vectors by model, prefix and SHA-256 of the text (hexadecimal); values are float16, little-endian bytes."""

    def get_many(self, model: str, prefix: str, digests: Sequence[str]) -> Mapping[str, bytes]:
        """The vectors that are known, by digest."""

    def put_many(self, model: str, prefix: str, vectors: Mapping[str, bytes]) -> None:
        """Keep vectors, durably when this returns."""


@dataclass(frozen=True, slots=True)
class Embedder:
    """What makes the vectors of passages: the model's name, how many numbers it gives, what stands before a passage.

    `embeddings` adds the prefix itself; here it only tells apart the vectors of one text under two prefixes. It is
    asked for `batch` texts at once, and so `at_once` times: a server has other work while we store what it gave.
    """

    model: str
    dimension: int
    passage_prefix: str
    embeddings: Embeddings
    batch: int = BATCH
    at_once: int = 1

    @property
    def name(self) -> str:
        """What an index is made with: vectors of another name cannot be compared."""
        return f"{self.model} after {self.passage_prefix!r}" if self.passage_prefix else self.model


class Ahead:
    """The vectors of passages, made in the background. Each batch is in the cache before its vectors are given.

    In a `with`; what has not begun at its end is dropped. One thread may use it.
    """

    def __init__(self, embedder: Embedder, cache: VectorCache) -> None:
        self._embedder, self._cache = embedder, cache
        self._pool = ThreadPoolExecutor(embedder.at_once, "embed")
        self._known: dict[str, bytes] = {}
        self._making: dict[str, Future[Mapping[str, bytes]]] = {}
        self._failed: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def known(self, passages: Iterable[Passage]) -> dict[str, bytes]:
        """The vectors that the cache has, by the digest of the text. Raises ConfigurationError for another model's."""
        digests = {text_digest(searchable(passage)) for passage in passages}
        vectors = dict(self._cache.get_many(self._embedder.model, self._embedder.passage_prefix, list(digests)))
        check_dimension(vectors, self._embedder)
        return vectors

    def begin(self, passages: Iterable[Passage]) -> None:
        """Have vectors made that will be wanted, unless too many wait already."""
        texts = {text_digest(searchable(passage)): searchable(passage) for passage in passages}
        self._make(dict(list(texts.items())[: max(0, MOST - len(self._making))]))

    def want(self, passages: Sequence[Passage]) -> None:
        """Have the vectors of all of them at hand soon."""
        texts = {text_digest(searchable(passage)): searchable(passage) for passage in passages}
        self._known |= self.known(p for p in passages if text_digest(searchable(p)) not in self._making)
        self._make({digest: text for digest, text in texts.items() if digest not in self._known})

    def take(self, passages: deque[Passage], most: int) -> tuple[dict[str, bytes], int]:
        """The vectors of the first passages, by id, as soon as one is there; these passages are taken out.

        And how many of them had to be made. Raises what the embedder raised.
        """
        vectors: dict[str, bytes] = {}
        made = 0
        while passages and len(vectors) < most:
            digest = text_digest(searchable(passages[0]))
            if digest not in self._known and digest not in self._making:  # another passage has the same text
                self.want([passages[0]])
            if digest in self._making:
                if vectors and not self._making[digest].done():
                    break
                self._known[digest] = self._result(digest)
                made += 1
            vectors[passages.popleft().id] = self._known.pop(digest)
        return vectors, made

    def _result(self, digest: str) -> bytes:
        try:
            return self._making.pop(digest).result()[digest]
        except BaseException:
            for future in self._making.values():
                future.cancel()
            self._making.clear()
            self._failed = None  # whoever wants more may ask again
            raise

    def _make(self, texts: Mapping[str, str]) -> None:
        missing = [digest for digest in texts if digest not in self._making]
        for start in range(0, len(missing), self._embedder.batch):
            batch = missing[start : start + self._embedder.batch]
            future = self._pool.submit(self._made, {digest: texts[digest] for digest in batch})
            self._making |= dict.fromkeys(batch, future)

    def _made(self, texts: Mapping[str, str]) -> Mapping[str, bytes]:
        if self._failed is not None:
            raise self._failed  # once is enough
        try:
            made = self._embedder.embeddings.embed_documents(list(texts.values()))
        except Exception as error:
            self._failed = error
            raise
        vectors = {digest: to_bytes(vector) for digest, vector in zip(texts, made, strict=True)}
        check_dimension(vectors, self._embedder)
        self._cache.put_many(self._embedder.model, self._embedder.passage_prefix, vectors)
        return vectors


def text_digest(text: str) -> str:
    """The key of a text in the cache: SHA-256 of its UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def check_dimension(vectors: Mapping[str, bytes], embedder: Embedder) -> None:
    """Raise ConfigurationError where vectors of one model are not of one length."""
    for vector in vectors.values():
        if len(vector) != 2 * embedder.dimension:
            raise ConfigurationError(
                f"[embeddings] model {embedder.model} gave {len(vector) // 2} numbers for a text and"
                f" {embedder.dimension} for another: give each model a name of its own"
            )
