"""Vectors that need not be made: ready ones in a folder, and those of questions that were asked before."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from langchain_core.embeddings import Embeddings

from chains.embedding import VectorCache, text_digest
from chains.stores.vectors import floats, to_bytes
from connector.errors import ConfigurationError

PASSAGE, QUESTION = "passage: ", "query: "
"""The prefixes after which the texts of such a folder were embedded."""


class ReadyVectors:
    """A `VectorCache` over a folder of vectors, with another one behind it for what the folder does not have.

    The folder has the passages' vectors in `passages.f16.npy`, one a row, and which row is which text's in
    `passages.jsonl.gz` (`row` and `sha256`); those of questions in `questions*.f16.npy`, with their texts in the same
    order in a JSON list of the same name. They must be of the model that the cache is asked for: only their length can
    be checked.
    """

    def __init__(self, folder: Path, behind: VectorCache) -> None:
        """Raises ConfigurationError where that is not such a folder."""
        self._behind = behind
        if not (folder / "passages.f16.npy").is_file() and not list(folder.glob("questions*.f16.npy")):
            raise ConfigurationError(f"--embedding-cache: {folder} holds no passages.f16.npy and no questions*.f16.npy")
        self._read = {PASSAGE: cache(lambda: _passages(folder)), QUESTION: cache(lambda: _questions(folder))}

    def get_many(self, model: str, prefix: str, digests: Sequence[str]) -> Mapping[str, bytes]:
        """The vectors that are known, by digest."""
        ready = self._read[prefix]() if prefix in self._read else {}
        found = {digest: ready[digest] for digest in digests if digest in ready}
        others = [digest for digest in digests if digest not in found]
        return {**self._behind.get_many(model, prefix, others), **found} if others else found

    def put_many(self, model: str, prefix: str, vectors: Mapping[str, bytes]) -> None:
        """Keep vectors in the cache behind the folder, which stays as it is."""
        self._behind.put_many(model, prefix, vectors)


class KnownQuestions(Embeddings):
    """An embedder that is asked for the vector of a question once; the cache has it from then on."""

    def __init__(self, embeddings: Embeddings, model: str, known: VectorCache) -> None:
        self._embeddings, self._model, self._known = embeddings, model, known
        self._prefix = getattr(embeddings, "query_prefix", "")

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One vector for each passage, from the embedder."""
        return self._embeddings.embed_documents(texts)

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        digest = text_digest(text)
        vector = self._known.get_many(self._model, self._prefix, [digest]).get(digest)
        if vector is None:
            vector = to_bytes(self._embeddings.embed_query(text))
            self._known.put_many(self._model, self._prefix, {digest: vector})
        return floats(vector)


def _passages(folder: Path) -> dict[str, bytes]:
    if not (folder / "passages.f16.npy").is_file():
        return {}

    def rows() -> Iterable[tuple[str, int]]:
        with gzip.open(folder / "passages.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                entry = json.loads(line)
                yield entry["sha256"], entry["row"]

    return _by_digest(folder / "passages.f16.npy", rows())


def _questions(folder: Path) -> dict[str, bytes]:
    def rows(array: Path) -> Iterable[tuple[str, int]]:
        texts: list[str] = json.loads(array.with_name(array.name.replace(".f16.npy", ".json")).read_text("utf-8"))
        for row, text in enumerate(texts):
            yield text_digest(text), row

    found: dict[str, bytes] = {}
    for array in folder.glob("questions*.f16.npy"):
        found |= _by_digest(array, rows(array))
    return found


def _by_digest(array: Path, rows: Iterable[tuple[str, int]]) -> dict[str, bytes]:
    try:
        import numpy  # of the extras alone
    except ModuleNotFoundError:
        raise ConfigurationError("--embedding-cache: numpy is missing: install greffier[eval]") from None
    try:
        vectors: Any = numpy.load(array).astype("<f2", copy=False)
        return {digest: vectors[row].tobytes() for digest, row in rows}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigurationError(f"--embedding-cache: {array} and its texts cannot be read: {error}") from None
