"""Imports: beside an embedder of a known rate, and with Weaviate killed in the middle."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from langchain_core.embeddings import Embeddings

from chains.corpora.document import Document, searchable
from chains.embedding import Embedder, text_digest
from chains.indexing import index
from chains.stores.store import Store
from chains.stores.vectors import floats
from connector.errors import RemoteError
from tests.bench.figures import Result, Target
from tests.bench.grown import DIMENSION, Asked, Grown
from tests.bench.servers import HeldWeaviate, held, opened
from webhooks.vectors import Vectors

CORPUS = "service-public"
SHARE = 0.9
"""Of the embedder's rate, at least."""
FAST = 2000.0
"""Passages that no import takes in a second."""
_READ = 500
"""Passages read back at once."""


class Paced(Embeddings):
    """An embedder that gives so many vectors a second and never more, whoever asks; they mean nothing."""

    def __init__(self, rate: float) -> None:
        self._rate, self._lock, self._free = rate, threading.Lock(), 0.0
        self._vectors: list[list[float]] = np.random.default_rng(1).normal(size=(499, DIMENSION)).tolist()
        self.began: float | None = None

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One vector for each passage, when its time has come."""
        with self._lock:
            now = time.monotonic()
            self._free = max(self._free, now) + len(texts) / self._rate
            ready = self._free
        time.sleep(ready - now)
        return [self._vectors[len(text) % len(self._vectors)] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Not asked for."""
        raise NotImplementedError


def beside_embedder(
    kind: str, sheets: Sequence[Document], rates: Sequence[float], seconds: float, data: Path | None
) -> Result:
    """Index so much that each embedder has work for so many seconds, and see how many it takes."""
    rows = tuple(_beside(kind, sheets, rate, int(rate * seconds), data) for rate in rates)
    how = (
        "The real indexing, from the first document read until all is settled, beside an embedder that gives so many"
        " vectors a second and never more; its cache in PostgreSQL."
    )
    targets = tuple(
        Target(f"share of {row['embedder, passages/s']:g} passages/s", float(row["share"]), SHARE, at_least=True)
        for row in rows
    )
    return Result(f"Import beside the embedder, {kind}", how, rows, targets)


def _beside(
    kind: str, sheets: Sequence[Document], rate: float, passages: int, data: Path | None
) -> dict[str, str | float]:
    documents = list(Grown(sheets, passages, None).documents())
    embedder = Embedder("paced", DIMENSION, "passage: ", Paced(rate), batch=32, at_once=4)
    with held(kind, data) as server, opened(server, embedder) as store:
        began = time.monotonic()
        done = index(CORPUS, documents, store, embedder, Vectors(server.pool))
        took = time.monotonic() - began
        assert store.statistics().vectors == passages
    return {
        "embedder, passages/s": rate,
        "passages": f"{passages:,}",
        "embedded": f"{done.embedded:,}",
        "seconds": took,
        "passages/s": passages / took,
        "share": done.embedded / took / rate,
    }


def killed(grown: Grown, times: int, data: Path | None) -> Result:
    """Kill Weaviate so many times in one import, each time some seconds after it has begun; go on, and compare."""
    embedder = Embedder("grown", DIMENSION, "passage: ", Asked({}))
    meant = {document.id: document for document in grown.documents()}
    passages = sum(len(document.passages) for document in meant.values())
    moments = [passages * random.uniform(0.2, 0.4) / FAST for _ in range(times)]  # noqa: S311 - no secret
    with held("weaviate", data) as server:
        assert isinstance(server, HeldWeaviate)
        there = [_cut(server, grown, embedder, moment) for moment in moments]
        with opened(server, embedder) as store:
            done = index(CORPUS, grown.documents(), store, embedder, grown)
            row = _compared(store, meant, grown)
    how = (
        f"{passages:,} passages; `kill -9` after {', '.join(f'{moment:.1f}' for moment in moments)} s of a run each,"
        f" when {', '.join(f'{number:,}' for number in there)} documents were whole; the last run found"
        f" {done.unchanged:,} of them. Then each passage and each digest was read, and each vector searched for."
    )
    wrong = sum(float(value) for name, value in row.items() if name != "documents")
    return Result("Weaviate killed in mid-import", how, (row,), (Target("wrong after the kills", wrong, 1),))


def _cut(server: HeldWeaviate, grown: Grown, embedder: Embedder, moment: float) -> int:
    """Kill the server after so many seconds of an import, start it again; how many documents it has whole."""
    timer = threading.Timer(moment, server.server.kill)
    with opened(server, embedder) as store:
        timer.start()
        try:
            index(CORPUS, grown.documents(), store, embedder, grown)
            raise AssertionError("the import was done before the kill")
        except RemoteError:
            timer.join()
    server.server.start()
    with opened(server, embedder) as store:
        return sum(map(bool, store.digests(CORPUS).values()))


def _compared(store: Store, meant: Mapping[str, Document], grown: Grown) -> dict[str, str | float]:
    """What is wrong with an index: how much of what was meant is missing or different, and what is there beside it."""
    passages = [passage for document in meant.values() for passage in document.passages]
    digests, held = store.digests(CORPUS), store.statistics()
    missing = different = unfound = 0
    for start in range(0, len(passages), _READ):
        some = passages[start : start + _READ]
        found = store.passages([passage.id for passage in some])
        missing += sum(passage.id not in found for passage in some)
        different += sum(found.get(passage.id, passage) != passage for passage in some)
    for passage in islice(passages, 0, None, max(1, len(passages) // 2000)):
        digest = text_digest(searchable(passage))
        vector = grown.get_many("", "", [digest])[digest]
        unfound += all(hit.id != passage.id for hit in store.nearest(floats(vector), 20))
    return {
        "documents": f"{held.documents:,}",
        "documents missing": sum(digests.get(id) != document.digest for id, document in meant.items()),
        "documents too many": len(digests.keys() - meant.keys()),
        "passages missing": missing,
        "passages different": different,
        "passages too many": held.passages - len(passages),
        "vectors missing": len(passages) - held.vectors,
        "vectors not found (of 2,000)": unfound,
    }
