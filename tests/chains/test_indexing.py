"""A corpus into a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from chains.corpora.document import Document
from chains.draft import Passage
from chains.embedding import BATCH, Embedder
from chains.indexing import Indexed, index
from chains.stores.store import Embedded, Statistics
from connector.errors import ConfigurationError, GreffierError
from tests.chains.index_doubles import DIMENSION, HashedWords, MemoryCache, document


class MemoryStore:
    """The part of a `Store` that indexing uses."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.vectors: dict[str, bytes] = {}
        self.updates = 0

    def digests(self, corpus: str) -> Mapping[str, str]:
        return {id: document.digest for id, document in self.documents.items() if document.corpus == corpus}

    def update(self, replaced: Sequence[Embedded], removed: Sequence[str]) -> None:
        self.updates += 1
        for id in [*removed, *(entry.document.id for entry in replaced)]:
            for passage in self.documents.pop(id).passages if id in self.documents else ():
                self.vectors.pop(passage.id, None)
        for entry in replaced:
            self.documents[entry.document.id] = entry.document
            known = zip(entry.document.passages, entry.vectors, strict=True)
            self.embed({passage.id: vector for passage, vector in known if vector is not None})

    def unembedded(self, corpus: str, limit: int) -> list[Passage]:
        every = (p for document in self.documents.values() if document.corpus == corpus for p in document.passages)
        return [passage for passage in every if passage.id not in self.vectors][:limit]

    def embed(self, vectors: Mapping[str, bytes]) -> None:
        self.vectors |= vectors

    def finish(self) -> None:
        pass

    def statistics(self) -> Statistics:
        passages = sum(len(document.passages) for document in self.documents.values())
        return Statistics(len(self.documents), passages, len(self.vectors), "words", DIMENSION)


class Site:
    """A store, a cache and an embedder that stay while corpora come and go."""

    def __init__(self) -> None:
        self.store, self.cache, self.embeddings = MemoryStore(), MemoryCache(), HashedWords()
        self.progress: list[tuple[int, int]] = []

    def index(
        self, *documents: Document, corpus: str = "sheets", model: str = "words", prefix: str = "p: ", **how: Any
    ) -> Indexed:
        return index(
            corpus,
            documents,
            self.store,  # type: ignore[arg-type]
            Embedder(model, DIMENSION, prefix, self.embeddings),
            self.cache,
            lambda what, *done: self.progress.append(done) if what == "embedding" else None,
            **how,
        )


@pytest.fixture
def site() -> Site:
    return Site()


ONE, TWO = document("one", "Un", "Premier texte."), document("two", "Deux", "Second texte.", "Troisième texte.")


def test_a_new_document_is_embedded_and_stored(site: Site) -> None:
    assert site.index(ONE, TWO) == Indexed(added=2, embedded=3)
    assert [len(site.store.vectors[f"two#{n}"]) for n in range(2)] == [2 * DIMENSION] * 2


def test_what_has_not_changed_is_not_touched(site: Site) -> None:
    site.index(ONE, TWO)
    assert site.index(ONE, TWO) == Indexed(unchanged=2)
    assert site.store.updates == 1


def test_only_the_texts_that_changed_are_embedded(site: Site) -> None:
    site.index(ONE, TWO)
    changed = document("two", "Deux", "Second texte.", "Texte nouveau.")
    assert site.index(ONE, changed) == Indexed(unchanged=1, changed=1, embedded=1)


def test_what_is_missing_from_a_feed_that_is_not_whole_stays(site: Site) -> None:
    site.index(ONE, TWO)
    assert site.index(ONE, complete=lambda: False).removed == 0
    assert site.store.documents.keys() == {"one", "two"}


def test_a_document_that_disappeared_is_removed_from_its_corpus_only(site: Site) -> None:
    site.index(ONE, TWO)
    site.index(document("far", "Loin", "Ailleurs.", corpus="other"), corpus="other")
    assert site.index(ONE).removed == 1
    assert site.store.documents.keys() == {"one", "far"}


def test_vectors_survive_the_loss_of_the_index(site: Site) -> None:
    site.index(ONE, TWO)
    site.store = MemoryStore()
    assert site.index(ONE, TWO) == Indexed(added=2)


@pytest.mark.parametrize("change", [{"model": "better"}, {"prefix": "other: "}])
def test_a_vector_is_known_only_for_its_model_and_prefix(site: Site, change: dict[str, str]) -> None:
    site.index(ONE)
    site.store = MemoryStore()
    assert site.index(ONE, **change).embedded == 1


def test_the_same_text_twice_is_embedded_once(site: Site) -> None:
    assert site.index(ONE, document("copy", "Un", "Premier texte.")).embedded == 1


def test_a_source_that_has_lost_most_of_its_documents_removes_none(site: Site) -> None:
    many = [document(f"d{n}", "Titre", f"Texte {n}.") for n in range(100)]
    site.index(*many)
    with pytest.raises(GreffierError, match=r"sheets: 60 of 100 documents .* --remove-many"):
        site.index(*many[:40])
    assert len(site.store.documents) == 100
    assert site.index(*many[:40], may_remove=1.0).removed == 60


def test_text_is_there_before_its_vectors(site: Site) -> None:
    site.embeddings.embed_documents = _fails_after(site.embeddings, 0)  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        site.index(ONE, TWO)
    assert site.store.documents.keys() == {"one", "two"}
    assert site.store.vectors == {}


def test_an_interrupted_run_is_gone_on_with(site: Site) -> None:
    long = document("long", "Long", *(f"Texte numéro {number}." for number in range(3 * BATCH)))
    embed, site.embeddings.embed_documents = site.embeddings.embed_documents, _fails_after(site.embeddings, 1)
    with pytest.raises(KeyboardInterrupt):
        site.index(long)
    site.embeddings.embed_documents = embed  # type: ignore[method-assign]
    assert site.index(long) == Indexed(unchanged=1, embedded=2 * BATCH)
    assert len(site.store.vectors) == 3 * BATCH


def _fails_after(embeddings: HashedWords, batches: int):  # type: ignore[no-untyped-def]
    embed, calls = embeddings.embed_documents, iter([False] * batches + [True])

    def embed_documents(texts: list[str]) -> list[list[float]]:
        if next(calls):
            raise KeyboardInterrupt
        return embed(texts)

    return embed_documents


def test_progress_is_told_of_the_vectors_that_were_missing(site: Site) -> None:
    site.index(ONE)
    site.progress.clear()
    site.index(ONE, TWO)
    assert site.progress == [(2, 2)]


def test_vectors_of_two_lengths_under_one_name_are_refused_and_not_kept(site: Site) -> None:
    embedder = Embedder("words", DIMENSION + 1, "p: ", site.embeddings)
    with pytest.raises(ConfigurationError, match=r"\[embeddings\] model words"):
        index("sheets", [ONE], site.store, embedder, site.cache)  # type: ignore[arg-type]
    assert site.cache.vectors == {}
