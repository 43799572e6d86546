"""The sample corpus of the demo, with its vectors ready made: its index needs no embedding.

`python -m webhooks.demo.corpus` makes the vectors again, after a change of the reader or of the sheets.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from chains.corpora.document import Document
from chains.corpora.service_public import read_service_public
from chains.embedding import VectorCache

FEED = Path(__file__).with_name("vosdroits.zip")
"""98 files of the official feed, of 2020: never to answer a citizen. See LICENCE.md."""
VECTORS = Path(__file__).with_name("vectors.npz")
"""`digests` (SHA-256 of each text, 32 bytes) and `vectors` (float16), row by row."""


def read_sample() -> Iterator[Document]:
    """The sheets of the sample. They are known to be readable."""
    return read_service_public(FEED, corpus="service-public", unreadable=[])


def load_vectors(cache: VectorCache, model: str, prefix: str) -> None:
    """Put the vectors into the cache, as if they had just been made with the demo's embedder."""
    cache.put_many(model, prefix, read_vectors())


def read_vectors() -> dict[str, bytes]:
    """The vectors by the digest of their text, as `chains.indexing` caches them."""
    with np.load(VECTORS, allow_pickle=False) as stored:
        digests, vectors = stored["digests"], stored["vectors"].astype("<f2")
    return {digest.tobytes().hex(): vector.tobytes() for digest, vector in zip(digests, vectors, strict=True)}
