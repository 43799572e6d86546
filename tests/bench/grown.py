"""A corpus of any size from real sheets: copies of them under other ids, whose vectors have moved a little.

A copy has the words of the sheet, so that a word is as rare among a million passages as it is among thirty thousand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from langchain_core.embeddings import Embeddings

from chains.corpora.document import Document, searchable
from chains.embedding import text_digest
from chains.known_vectors import PASSAGE, QUESTION, ReadyVectors
from chains.stores.vectors import floats

DIMENSION = 384
_MOVED = 0.1
"""How far the vector of a copy is from that of its sheet, whose length is 1."""
_MOVES = 997
"""So many directions; a prime, so that two copies of a sheet seldom share one."""


class Known(Protocol):
    """The part of a `VectorCache` that is read."""

    def get_many(self, model: str, prefix: str, digests: Sequence[str]) -> Mapping[str, bytes]:
        """The vectors that are known, by digest."""


class Nothing:
    """A cache that knows nothing and keeps nothing."""

    def get_many(self, model: str, prefix: str, digests: Sequence[str]) -> Mapping[str, bytes]:
        """None."""
        return {}

    def put_many(self, model: str, prefix: str, vectors: Mapping[str, bytes]) -> None:
        """Forget them."""


class Grown:
    """So many passages at least, and the cache that has the vector of each: ready ones, else random ones.

    The texts of a copy end with more spaces than those of the copy before: to the cache they are other texts.
    """

    def __init__(self, sheets: Sequence[Document], passages: int, ready: Path | None) -> None:
        self._sheets, self._passages = sheets, passages
        self._known: Known = ReadyVectors(ready, Nothing()) if ready else Nothing()
        random = np.random.default_rng(20)
        moves = random.normal(size=(_MOVES, DIMENSION))
        self._moves: Any = _MOVED * moves / np.linalg.norm(moves, axis=1, keepdims=True)
        self._of: dict[str, tuple[str, int]] = {}  # the digest of the sheet's text, and which copy

    def documents(self) -> Iterator[Document]:
        """The sheets, then copies of them; the last one may be cut short."""
        left = self._passages
        for copy in count():
            for sheet in self._sheets:
                document = _copied(sheet, copy) if copy else sheet
                document = replace(document, passages=document.passages[:left])
                for passage, of in zip(document.passages, sheet.passages, strict=False):
                    self._of[text_digest(searchable(passage))] = text_digest(searchable(of)), copy
                yield document
                left -= len(document.passages)
                if not left:
                    return

    def get_many(self, model: str, prefix: str, digests: Sequence[str]) -> Mapping[str, bytes]:
        """The vectors of texts that `documents` has yielded."""
        of = {digest: self._of[digest] for digest in digests}
        known = self._known.get_many(model, PASSAGE, list({sheet for sheet, _ in of.values()}))
        return {digest: self._vector(sheet, copy, known.get(sheet)) for digest, (sheet, copy) in of.items()}

    def put_many(self, model: str, prefix: str, vectors: Mapping[str, bytes]) -> None:
        """All are known."""

    def vectors(self, texts: Sequence[str]) -> dict[str, list[float]]:
        """The vectors of questions: ready ones, else random ones."""
        by_digest = {text_digest(text): text for text in texts}
        known = self._known.get_many("", QUESTION, list(by_digest))
        return {text: floats(known.get(digest) or _random(digest)) for digest, text in by_digest.items()}

    def _vector(self, sheet: str, copy: int, known: bytes | None) -> bytes:
        vector = known or _random(sheet)
        if not copy:
            return vector
        moved: Any = np.frombuffer(vector, "<f2") + self._moves[(int(sheet[:8], 16) + copy) % _MOVES]
        return bytes((moved / np.linalg.norm(moved)).astype("<f2").tobytes())


class Asked(Embeddings):
    """An embedder of questions whose vectors are known."""

    def __init__(self, vectors: Mapping[str, list[float]]) -> None:
        self._vectors = vectors

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        return self._vectors[text]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Not asked for."""
        raise NotImplementedError


def _copied(sheet: Document, copy: int) -> Document:
    id, spaces = f"{copy}/{sheet.id}", " " * copy
    passages = [replace(p, id=f"{copy}/{p.id}", document=id, text=p.text + spaces) for p in sheet.passages]
    return replace(sheet, id=id, passages=tuple(passages))


def _random(digest: str) -> bytes:
    """A vector of length 1, always the same for a text."""
    seed = int.from_bytes(hashlib.sha256(digest.encode()).digest()[:8])
    vector = np.random.default_rng(seed).normal(size=DIMENSION)
    return bytes((vector / np.linalg.norm(vector)).astype("<f2").tobytes())
