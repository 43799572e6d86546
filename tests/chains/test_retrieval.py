"""Fusion, the retriever over a real store, and when it has found too little."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from langchain_core.documents import Document
from psycopg_pool import ConnectionPool

from chains.embedding import Embedder
from chains.indexing import index
from chains.judge import Judge
from chains.lever import Lever
from chains.model import chat_model
from chains.profile import MIN_COSINE
from chains.query import Search
from chains.ranking import Ranker
from chains.rerank import Reranker
from chains.retrieval import ALPHA, MIN_COVERAGE, HybridRetriever, best, fuse, merge, rank, too_weak
from chains.stores.postgres import PostgresStore
from chains.stores.store import Embedded, Hit, Within
from chains.timing import Stopwatch
from connector.errors import ConfigurationError
from tests.chains.index_doubles import DIMENSION, HashedWords, MemoryCache, document
from tests.chains.rerank_server import RerankServer
from webhooks.demo.model_answers import Fault, Script
from webhooks.demo.model_server import ModelServer


def test_a_document_is_as_good_as_its_best_passage() -> None:
    assert best([Hit("a#1", "a", 2.0), Hit("b#0", "b", 1.0), Hit("a#0", "a", 3.0)]) == {"a": 3.0, "b": 1.0}


def test_both_sides_are_weighed() -> None:
    fused = fuse({"words": 5.0, "both": 3.0, "last": 1.0}, {"vectors": 0.9, "both": 0.8, "last": 0.7}, 100)
    assert fused == pytest.approx({"words": 1 - ALPHA, "vectors": ALPHA, "both": 0.5, "last": 0.0})


@pytest.mark.parametrize("sides", [({}, {"a": 0.9, "b": 0.8}), ({"a": 5.0, "b": 1.0}, {})])
def test_one_side_alone_has_all_the_weight(sides: tuple[dict[str, float], dict[str, float]]) -> None:
    assert fuse(*sides, 100) == {"a": 1.0, "b": 0.0}


def test_a_second_passage_of_the_best_document_may_come_before_another_document() -> None:
    words = [Hit("a#0", "a", 9.0), Hit("a#1", "a", 8.9), Hit("b#0", "b", 5.0), Hit("b#1", "b", 1.0)]
    assert [id for id, _ in rank({"a": 1.0, "b": 0.6}, words, [], 2)] == ["a#0", "a#1", "b#0", "b#1"]
    assert [id for id, _ in rank({"a": 1.0, "b": 0.6}, words, [], 1)] == ["a#0", "b#0"]


def test_of_several_rankings_each_passage_has_its_best_score() -> None:
    whole, part = [("a", 1.0), ("b", 0.5), ("c", 0.1)], [("c", 0.9), ("b", 0.4)]
    assert merge([whole, part]) == [("a", 1.0), ("c", 0.9), ("b", 0.5)]


def test_a_document_that_no_passage_of_was_found_has_its_first_one() -> None:
    assert rank({"a": 0.9, "b": 0.5}, [Hit("b#1", "b", 5.0)], [], 2) == [("a#0", 0.9), ("b#1", 0.5)]


def _found(cosine: float, coverage: float | None) -> list[Document]:
    return [Document(page_content="", metadata={"cosine": cosine, "coverage": coverage})]


def test_nothing_found_is_too_weak() -> None:
    assert too_weak([])


def test_what_is_far_is_too_weak_even_with_the_same_words() -> None:
    assert too_weak(_found(MIN_COSINE - 0.001, 1.0))
    assert not too_weak(_found(MIN_COSINE + 0.001, 1.0))


def test_what_is_not_quite_near_must_have_the_words_too() -> None:
    assert too_weak(_found(MIN_COSINE + 0.01, MIN_COVERAGE - 0.01))
    assert not too_weak(_found(MIN_COSINE + 0.02, 0.0))


def test_without_words_to_compare_the_vectors_decide() -> None:
    assert too_weak(_found(MIN_COSINE - 0.001, None))
    assert not too_weak(_found(MIN_COSINE + 0.001, None))


def test_another_embedder_has_its_own_scale() -> None:
    assert too_weak(_found(0.5, 1.0))
    assert not too_weak(_found(0.5, 1.0), min_cosine=0.45)


CARD = document(
    "card", "Carte d'identité", "Demande de carte en mairie.", "La mairie remet la carte.", "Carte, mairie."
)
LICENCE = document("licence", "Permis de conduire", "Le permis se demande à la préfecture.")
COPY = document("copy", "Carte d'identité", "Demande de carte en mairie.", corpus="other")


@pytest.fixture
def store(database_url: str) -> Iterator[PostgresStore]:
    with ConnectionPool(database_url, min_size=1, open=True) as pool:
        store = PostgresStore(pool, embedder="words", dimension=DIMENSION)
        index("sheets", [CARD, LICENCE], store, Embedder("words", DIMENSION, "", HashedWords()), MemoryCache())
        yield store


@pytest.mark.server
def test_the_best_passage_comes_first_with_what_a_citation_needs(store: PostgresStore) -> None:
    found = HybridRetriever(store=store, embeddings=HashedWords()).invoke("Où demander un permis de conduire ?")
    assert found[0].metadata["passage"] == LICENCE.passages[0]
    assert found[0].page_content == LICENCE.passages[0].text
    assert found[0].metadata["score"] == 1.0


@pytest.mark.server
def test_one_document_does_not_take_all_the_places(store: PostgresStore) -> None:
    found = HybridRetriever(store=store, embeddings=HashedWords(), limit=3).invoke("carte mairie")
    assert [document.metadata["passage"].document for document in found] == ["card", "card", "licence"]


@pytest.mark.server
def test_the_evidence_is_how_near_and_how_much_of_the_question_is_there(store: PostgresStore) -> None:
    retriever = HybridRetriever(store=store, embeddings=HashedWords())
    full = retriever.invoke("permis préfecture")[0].metadata
    half = retriever.invoke("permis xylophone")[0].metadata
    assert full["coverage"] == 1.0
    assert 0.2 < half["coverage"] < 0.5  # an unknown word weighs more than a known one
    assert full["cosine"] > half["cosine"]


@pytest.mark.server
def test_a_question_in_another_language_is_searched_by_vectors_alone(store: PostgresStore) -> None:
    found = HybridRetriever(store=store, embeddings=HashedWords()).invoke("permis préfecture", language="en")
    assert found[0].metadata["passage"].document == "licence"
    assert found[0].metadata["coverage"] is None


@pytest.mark.server
def test_a_question_without_a_word_is_searched_by_vectors_alone(store: PostgresStore) -> None:
    assert HybridRetriever(store=store, embeddings=HashedWords()).invoke("???")[0].metadata["coverage"] is None


@pytest.mark.server
def test_a_text_that_stands_in_two_documents_is_given_once(store: PostgresStore) -> None:
    index("other", [COPY], store, Embedder("words", DIMENSION, "", HashedWords()), MemoryCache())
    found = HybridRetriever(store=store, embeddings=HashedWords()).invoke("demande de carte en mairie")
    assert [document.page_content for document in found].count("Demande de carte en mairie.") == 1


@pytest.mark.server
def test_each_of_several_questions_finds_its_own(store: PostgresStore) -> None:
    retriever = HybridRetriever(store=store, embeddings=HashedWords(), limit=2, per_document=1)
    also = (Search("carte mairie"), Search("permis préfecture"))
    found = retriever.invoke("carte mairie demande, permis préfecture", also=also)
    assert {document.metadata["passage"].document for document in found} == {"card", "licence"}
    assert [document.metadata["score"] for document in found] == [1.0, 1.0]


@pytest.mark.server
def test_a_search_that_counts_less_gives_less(store: PostgresStore) -> None:
    retriever = HybridRetriever(store=store, embeddings=HashedWords(), per_document=1)
    found = retriever.invoke("carte mairie", also=(Search("permis préfecture", weight=0.5),))
    scores = {document.metadata["passage"].document: document.metadata["score"] for document in found}
    assert scores == {"card": 1.0, "licence": 0.5}


@pytest.mark.server
def test_a_profile_finds_its_corpora_and_audiences_and_no_other_organisations(store: PostgresStore) -> None:
    texts = {"town": "Carte de la mairie.", "county": "Carte de la préfecture.", "firms": "Carte des entreprises."}
    town, county, firms = (document(id, "Carte", text, corpus="own") for id, text in texts.items())
    own = [replace(town, organisation="town"), replace(county, organisation="county"), replace(firms, audience="pro")]
    index("own", own, store, Embedder("words", DIMENSION, "", HashedWords()), MemoryCache())
    retriever = HybridRetriever(store=store, embeddings=HashedWords(), limit=20)

    def found(within: Within) -> set[str]:
        question, also = "carte mairie préfecture entreprises permis", (Search("carte préfecture"),)
        documents = retriever.invoke(question, within=within, also=also)
        return {document.metadata["passage"].document for document in documents}

    assert found(Within()) == {"card", "licence", "firms"}
    assert found(Within("town")) == {"card", "licence", "firms", "town"}
    assert found(Within("county", frozenset({"own"}))) == {"firms", "county"}
    assert found(Within("town", None, frozenset({"part"}))) == {"card", "licence", "town"}


@pytest.mark.server
def test_a_word_counts_by_its_rarity_where_the_profile_may_look(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[Within] = []
    rarities = store.rarities
    monkeypatch.setattr(store, "rarities", lambda stems, within=None: counted.append(within) or rarities(stems, within))
    town = Within("town", frozenset({"sheets"}))
    HybridRetriever(store=store, embeddings=HashedWords()).invoke("carte mairie", within=town)
    assert counted == [town]


def reranked(server: RerankServer, budget: float = 5) -> Ranker:
    client = Reranker(server.url, "", "reclasseur", shape="jina", timeout=budget)
    return Ranker(Lever("rerank", client.opinion, budget=budget, setting="[rerank] budget"), 30, 1.0)


def documents(found: list[Document]) -> list[str]:
    return list(dict.fromkeys(document.metadata["passage"].document for document in found))


@pytest.mark.server
def test_a_reranker_has_the_best_passage_of_each_document_and_the_last_word(store: PostgresStore) -> None:
    with RerankServer() as server:
        server.score = lambda query, text: float("préfecture" in text)
        retriever = HybridRetriever(store=store, embeddings=HashedWords(), rankers=(reranked(server),))
        found = retriever.invoke("carte mairie")
        texts = server.requests[0]["documents"]
    assert documents(found) == ["licence", "card"]
    assert len(texts) == 2
    assert all(text.startswith(("Carte d'identité\nCas général : ", "Permis de conduire\n")) for text in texts)


@pytest.mark.server
@pytest.mark.parametrize("fault", ["error", "slow", "html", "short", "nan", "refused"])
def test_a_reranker_that_fails_costs_a_search_its_order_and_nothing_else(store: PostgresStore, fault: str) -> None:
    plain = HybridRetriever(store=store, embeddings=HashedWords())
    fell_back: list[str] = []
    config = {"callbacks": [Stopwatch(lambda *_: None, fell_back.append)]}
    with RerankServer() as server:
        server.fault = fault
        ranker = reranked(server, 0.3)
        if fault == "refused":
            server.__exit__()
        retriever = HybridRetriever(store=store, embeddings=HashedWords(), rankers=(ranker,))
        assert retriever.invoke("carte mairie", config) == plain.invoke("carte mairie")
    assert fell_back == ["rerank"]


@pytest.fixture
def chat() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


def judge(server: ModelServer) -> Judge:
    return Judge(chat_model(server.url, "", "modele-local", timeout=5, max_tokens=99))


@pytest.mark.server
def test_the_chat_model_may_choose_among_the_documents(store: PostgresStore, chat: ModelServer) -> None:
    ranker = Ranker(Lever("judge", judge(chat).opinion, budget=5, setting=""), 20, 1.0)
    retriever = HybridRetriever(store=store, embeddings=HashedWords(), rankers=(ranker,))
    took: list[str] = []
    chat.script = Script(text='{"ordre": [2]}')
    found = retriever.invoke("carte mairie", {"callbacks": [Stopwatch(lambda name, _: took.append(name))]})
    assert documents(found) == ["licence", "card"]
    assert took == ["judge", "retrieve"], "the model's time here is not that of a draft"


@pytest.mark.server
def test_a_message_is_searched_for_in_the_models_words_too(store: PostgresStore, chat: ModelServer) -> None:
    rewrite = Lever("rewrite", judge(chat).rewrite, budget=5, setting="")
    retriever = HybridRetriever(store=store, embeddings=HashedWords(), rewrite=rewrite, rewrite_weight=0.3)
    plain = HybridRetriever(store=store, embeddings=HashedWords()).invoke("driving", language="en")
    chat.script = Script(text='{"question": "permis de conduire préfecture"}')
    found = retriever.invoke("driving", language="en")
    scores = [{d.metadata["passage"].document: d.metadata["score"] for d in one} for one in (found, plain)]
    assert (scores[0]["licence"], scores[1]["licence"]) == (0.3, 0.0)
    evidence = [{name: one.metadata[name] for name in ("cosine", "coverage")} for one in (found[0], plain[0])]
    assert evidence[0] == evidence[1], "what is near enough is measured on the message itself"
    chat.script = Script(fault=Fault.BUSY)
    assert retriever.invoke("driving", language="en") == plain


@pytest.mark.server
def test_what_is_measured_is_ranked_as_a_draft_would_find_it(store: PostgresStore) -> None:
    with RerankServer() as server:
        server.score = lambda query, text: float("préfecture" in text)
        retriever = HybridRetriever(store=store, embeddings=HashedWords(), rankers=(reranked(server),))
        ranked = retriever.ranked([Search("carte mairie")])
    assert [document for document, _ in ranked] == ["licence", "card"]


@pytest.mark.server
def test_an_index_without_vectors_is_an_error_and_no_answer(store: PostgresStore) -> None:
    store.update([Embedded(CARD, (None,) * len(CARD.passages))], ["licence"])
    with pytest.raises(ConfigurationError, match="the index holds no vectors yet: run greffier index"):
        HybridRetriever(store=store, embeddings=HashedWords()).invoke("carte")
