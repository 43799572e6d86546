"""What every store must do. A store's own test module subclasses `StoreContract` and gives `make_store`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chains.analyser import stems
from chains.stores.store import Scope, Statistics, Store
from connector.errors import ConfigurationError
from tests.chains.index_doubles import DIMENSION, HashedWords, document, embedded

CARD = document("card", "Carte d'identité", "Demande de carte en mairie.", "Le timbre fiscal coûte 25 euros.")
LICENCE = document("licence", "Permis de conduire", "Le permis est retiré en préfecture, après une demande de retrait.")
LEAVE = document("leave", "Congé parental", "Le congé parental dure un an et peut être renouvelé.")

MakeStore = Callable[[str, int], Store]


class StoreContract:
    """`make_store(embedder, dimension)` opens a store on the same, at first empty, place each time."""

    @pytest.fixture
    def store(self, make_store: MakeStore) -> Store:
        store = make_store("words", DIMENSION)
        store.update([embedded(CARD), embedded(LICENCE), embedded(LEAVE)], [])
        return store

    def test_a_passage_is_found_by_other_forms_of_its_words(self, store: Store) -> None:
        hits = store.search(Scope.PASSAGES, stems("les demandes de retraits du permis"), 10)
        assert (hits[0].id, hits[0].document) == ("licence#0", "licence")

    def test_a_passage_is_found_by_the_title_and_the_path_above_it(self, store: Store) -> None:
        assert {hit.id for hit in store.search(Scope.PASSAGES, stems("identité"), 10)} == {"card#0", "card#1"}
        assert len(store.search(Scope.PASSAGES, stems("cas général"), 10)) == 4

    def test_titles_are_searched_alone(self, store: Store) -> None:
        assert [hit.id for hit in store.search(Scope.TITLES, stems("permis"), 10)] == ["licence"]
        assert store.search(Scope.TITLES, stems("préfecture"), 10) == []

    def test_a_document_is_searched_as_a_whole(self, store: Store) -> None:
        hits = store.search(Scope.DOCUMENTS, stems("mairie timbre"), 10)
        assert [(hit.id, hit.document) for hit in hits] == [("card", "card")]

    def test_hits_come_best_first_and_no_more_than_asked_for(self, store: Store) -> None:
        hits = store.search(Scope.PASSAGES, stems("demande de carte, permis, congé"), 10)
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        assert store.search(Scope.PASSAGES, stems("demande de carte, permis, congé"), 2) == hits[:2]

    def test_a_score_is_the_weight_that_bm25_gives(self, store: Store) -> None:
        # one of three titles holds "permis" once, among two stems, as in each title: idf = ln(1 + 2.5 / 1.5)
        (hit,) = store.search(Scope.TITLES, stems("permis"), 1)
        assert hit.score == pytest.approx(0.9808 * 1 / (1 + 1.5), abs=1e-3)

    def test_a_word_that_nothing_holds_finds_nothing(self, store: Store) -> None:
        assert store.search(Scope.PASSAGES, ["xylophon"], 10) == []
        assert store.search(Scope.PASSAGES, [], 10) == []

    def test_the_nearest_vectors_come_first_with_their_cosine(self, store: Store) -> None:
        hits = store.nearest(HashedWords().embed_query(LEAVE.passages[0].text), 3)
        assert (hits[0].id, hits[0].document, len(hits)) == ("leave#0", "leave", 3)
        assert hits[0].score == pytest.approx(1, abs=1e-3)
        assert hits[0].score > hits[1].score >= hits[2].score

    def test_a_rare_word_says_more_than_a_common_one_and_an_unknown_one_most(self, store: Store) -> None:
        rarities = store.rarities(["demand", "mair", "xylophon"])
        assert rarities["demand"] < rarities["mair"] < rarities["xylophon"]

    def test_a_passage_is_read_back_as_it_was_given(self, store: Store) -> None:
        assert store.passages(["card#1", "gone#0"]) == {"card#1": CARD.passages[1]}

    def test_a_replaced_document_is_found_by_its_new_words_only(self, store: Store) -> None:
        store.update([embedded(document("leave", "Congé parental", "Il se demande par lettre recommandée."))], [])
        assert store.search(Scope.PASSAGES, stems("renouvelé"), 10) == []
        assert [hit.id for hit in store.search(Scope.DOCUMENTS, stems("lettre"), 10)] == ["leave"]
        assert store.statistics().documents == 3

    def test_a_removed_document_is_gone_from_every_search(self, store: Store) -> None:
        store.update([], ["licence"])
        assert [hit for scope in Scope for hit in store.search(scope, stems("permis"), 10)] == []
        assert "licence" not in {hit.document for hit in store.nearest(HashedWords().embed_query("permis"), 10)}
        assert store.passages(["licence#0"]) == {}

    def test_weights_follow_what_the_corpus_holds_now(self, store: Store) -> None:
        before = store.search(Scope.TITLES, stems("permis"), 1)[0].score
        store.update([embedded(document(f"p{n}", "Permis de chasser", "Un permis.")) for n in range(5)], [])
        assert store.search(Scope.TITLES, stems("permis"), 1)[0].score < before

    def test_an_update_that_fails_changes_nothing(self, store: Store) -> None:
        broken = embedded(document("new", "Nouvelle", "Un texte."))
        with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the store's library raises
            store.update([type(broken)(broken.document, (b"\0\0",))], ["card"])
        assert store.statistics().documents == 3
        assert store.search(Scope.TITLES, stems("carte"), 1)[0].id == "card"

    def test_digests_are_those_of_the_corpus_asked_for(self, store: Store) -> None:
        other = document("other", "Autre", "Un texte.", corpus="other")
        store.update([embedded(other)], [])
        assert store.digests("other") == {"other": other.digest}
        assert store.digests("sheets").keys() == {"card", "licence", "leave"}

    def test_statistics_count_what_is_there(self, store: Store) -> None:
        assert store.statistics() == Statistics(
            documents=3, passages=4, vectors=4, embedder="words", dimension=DIMENSION
        )

    def test_another_embedder_is_refused_until_it_has_its_own_index(self, store: Store, make_store: MakeStore) -> None:
        other = make_store("better", 4)
        for read in (lambda: other.nearest([1.0] * 4, 1), lambda: other.search(Scope.TITLES, ["perm"], 1)):
            with pytest.raises(ConfigurationError, match=r"\[embeddings\].*better.*words"):
                read()
        assert other.digests("sheets") == {}
        assert store.statistics().documents == 3

    def test_a_vector_of_another_length_is_refused(self, store: Store) -> None:
        with pytest.raises(ConfigurationError, match=r"\[embeddings\]"):
            store.nearest([1.0] * (DIMENSION + 1), 1)

    def test_without_an_index_the_error_says_what_to_run(self, make_store: MakeStore) -> None:
        with pytest.raises(ConfigurationError, match="run greffier index"):
            make_store("words", DIMENSION).statistics()
