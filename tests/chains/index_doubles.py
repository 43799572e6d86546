"""Small real implementations of what an index is made with: an embedder without a model, a cache without a database."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
from langchain_core.embeddings import Embeddings

from chains.analyser import stems
from chains.corpora.document import Document
from chains.draft import Passage
from chains.stores.store import Embedded
from chains.stores.vectors import to_bytes

DIMENSION = 16


class HashedWords(Embeddings):
    """Each stem counts in one of a few dimensions: texts with the same words have the same vector.

    `embedded` counts the passages that were embedded.
    """

    def __init__(self) -> None:
        self.embedded = 0

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.embedded += len(texts)
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        vector = [0.01] * DIMENSION
        for stem in stems(text):
            vector[hashlib.sha256(stem.encode()).digest()[0] % DIMENSION] += 1.0
        return vector


class MemoryCache:
    """A `VectorCache` in a dictionary."""

    def __init__(self) -> None:
        self.vectors: dict[tuple[str, str, str], bytes] = {}

    def get_many(self, model: str, prefix: str, digests: Sequence[str]) -> Mapping[str, bytes]:
        return {d: self.vectors[model, prefix, d] for d in digests if (model, prefix, d) in self.vectors}

    def put_many(self, model: str, prefix: str, vectors: Mapping[str, bytes]) -> None:
        self.vectors |= {(model, prefix, digest): vector for digest, vector in vectors.items()}


def document(id: str, title: str, *texts: str, corpus: str = "sheets") -> Document:
    """A document with one passage for each text."""
    url, day = f"https://example.test/{id}", date(2020, 11, 12)
    passages = [Passage(f"{id}#{n}", id, title, ("Cas général",), text, url, day) for n, text in enumerate(texts)]
    return Document(id, corpus, title, url, day, tuple(passages))


def embedded(document: Document) -> Embedded:
    """The document with the vectors of `HashedWords`."""
    vectors = HashedWords().embed_documents([passage.text for passage in document.passages])
    return Embedded(document, tuple(map(to_bytes, vectors)))


def ready_vectors(folder: Path, passages: Mapping[str, bytes], questions: Mapping[str, list[float]]) -> Path:
    """A folder of ready vectors: passages by the digest of their text, questions by their text."""
    rows = [np.frombuffer(vector, "<f2") for vector in passages.values()]
    np.save(folder / "passages.f16.npy", np.array(rows, np.float16))
    with gzip.open(folder / "passages.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps({"row": row, "sha256": digest}) + "\n" for row, digest in enumerate(passages))
    np.save(folder / "questions-dev.f16.npy", np.array(list(questions.values()), np.float16))
    (folder / "questions-dev.json").write_text(json.dumps(list(questions)), "utf-8")
    return folder
