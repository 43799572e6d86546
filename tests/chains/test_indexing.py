"""A corpus into a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from chains.corpora.document import Document
from chains.indexing import BATCH, Embedder, Indexed, index
from chains.stores.store import Embedded
from connector.errors import ConfigurationError
from tests.chains.index_doubles import DIMENSION, HashedWords, MemoryCache, document


class MemoryStore:
    """The part of a `Store` that indexing uses."""

    def __init__(self) -> None:
        self.entries: dict[str, Embedded] = {}
        self.updates = 0

    def digests(self, corpus: str) -> Mapping[str, str]:
        return {id: e.document.digest for id, e in self.entries.items() if e.document.corpus == corpus}

    def update(self, replaced: Sequence[Embedded], removed: Sequence[str]) -> None:
        self.updates += 1
        self.entries |= {entry.document.id: entry for entry in replaced}
        for id in removed:
            del self.entries[id]


class Site:
    """A store, a cache and an embedder that stay while corpora come and go."""

    def __init__(self) -> None:
        self.store, self.cache, self.embeddings = MemoryStore(), MemoryCache(), HashedWords()
        self.progress: list[tuple[int, int]] = []

    def index(self, *documents: Document, model: str = "words", prefix: str = "p: ", complete: bool = True) -> Indexed:
        return index(
            documents,
            self.store,  # type: ignore[arg-type]
            Embedder(model, DIMENSION, prefix, self.embeddings),
            self.cache,
            lambda *done: self.progress.append(done),
            complete=lambda: complete,
        )


@pytest.fixture
def site() -> Site:
    return Site()


ONE, TWO = document("one", "Un", "Premier texte."), document("two", "Deux", "Second texte.", "Troisième texte.")


def test_a_new_document_is_embedded_and_stored(site: Site) -> None:
    assert site.index(ONE, TWO) == Indexed(unchanged=0, replaced=2, removed=0, embedded=3)
    assert [len(vector) for vector in site.store.entries["two"].vectors] == [2 * DIMENSION] * 2


def test_what_has_not_changed_is_not_touched(site: Site) -> None:
    site.index(ONE, TWO)
    assert site.index(ONE, TWO) == Indexed(unchanged=2, replaced=0, removed=0, embedded=0)
    assert site.store.updates == 1


def test_only_the_texts_that_changed_are_embedded(site: Site) -> None:
    site.index(ONE, TWO)
    changed = document("two", "Deux", "Second texte.", "Texte nouveau.")
    assert site.index(ONE, changed) == Indexed(unchanged=1, replaced=1, removed=0, embedded=1)


def test_what_is_missing_from_a_feed_that_is_not_whole_stays(site: Site) -> None:
    site.index(ONE, TWO)
    assert site.index(ONE, complete=False).removed == 0
    assert site.store.entries.keys() == {"one", "two"}


def test_a_document_that_disappeared_is_removed_from_its_corpus_only(site: Site) -> None:
    site.index(ONE, TWO, document("far", "Loin", "Ailleurs.", corpus="other"))
    assert site.index(ONE).removed == 1
    assert site.store.entries.keys() == {"one", "far"}


def test_vectors_survive_the_loss_of_the_index(site: Site) -> None:
    site.index(ONE, TWO)
    site.store = MemoryStore()
    assert site.index(ONE, TWO) == Indexed(unchanged=0, replaced=2, removed=0, embedded=0)


@pytest.mark.parametrize("change", [{"model": "better"}, {"prefix": "other: "}])
def test_a_vector_is_known_only_for_its_model_and_prefix(site: Site, change: dict[str, str]) -> None:
    site.index(ONE)
    site.store = MemoryStore()
    assert site.index(ONE, **change).embedded == 1


def test_the_same_text_twice_is_embedded_once(site: Site) -> None:
    assert site.index(ONE, document("copy", "Un", "Premier texte.")).embedded == 1


def test_an_interrupted_run_keeps_its_vectors_and_changes_nothing(site: Site) -> None:
    texts = [f"Texte numéro {number}." for number in range(2 * BATCH)]
    embed, site.embeddings.embed_documents = site.embeddings.embed_documents, _fails_after(site.embeddings, 1)
    with pytest.raises(KeyboardInterrupt):
        site.index(document("long", "Long", *texts))
    assert site.store.entries == {}
    site.embeddings.embed_documents = embed  # type: ignore[method-assign]
    assert site.index(document("long", "Long", *texts)).embedded == BATCH


def _fails_after(embeddings: HashedWords, batches: int):  # type: ignore[no-untyped-def]
    embed, calls = embeddings.embed_documents, iter([False] * batches + [True])

    def embed_documents(texts: list[str]) -> list[list[float]]:
        if next(calls):
            raise KeyboardInterrupt
        return embed(texts)

    return embed_documents


def test_progress_is_told_from_the_known_vectors_to_all(site: Site) -> None:
    site.index(ONE)
    site.progress.clear()
    site.store = MemoryStore()
    site.index(ONE, TWO)
    assert site.progress == [(1, 3), (3, 3)]


def test_vectors_of_two_lengths_under_one_name_are_refused_and_not_kept(site: Site) -> None:
    embedder = Embedder("words", DIMENSION + 1, "p: ", site.embeddings)
    with pytest.raises(ConfigurationError, match=r"\[embeddings\] model words"):
        index([ONE], site.store, embedder, site.cache)  # type: ignore[arg-type]
    assert site.cache.vectors == {}
