"""What every store must do. A store's own test module subclasses `StoreContract` and gives `make_store`."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from chains.analyser import stems
from chains.stores.store import Embedded, Scope, Statistics, Store, Within
from chains.stores.vectors import to_bytes
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

    def test_a_document_is_searched_by_what_is_said_of_it_elsewhere(self, store: Store) -> None:
        store.update([embedded(replace(LICENCE, mentions="Le papier rose."))], [])
        assert [hit.id for hit in store.search(Scope.MENTIONS, stems("papier rose"), 10)] == ["licence"]
        assert store.search(Scope.DOCUMENTS, stems("papier rose"), 10) == []

    def test_a_document_is_near_as_the_mean_of_its_passages_is(self, store: Store) -> None:
        store.finish()
        vector = HashedWords().embed_query("carte mairie")
        each = [HashedWords().embed_query(passage.text) for passage in CARD.passages]
        mean = [sum(numbers) for numbers in zip(*each, strict=True)]
        middles = store.middles(vector, ["card", "leave", "gone"])
        assert middles == {"card": pytest.approx(_cosine(vector, mean), abs=2e-3), "leave": middles["leave"]}
        assert store.middles(vector, ["card"], Within(corpora=frozenset({"other"}))) == {}

    def test_a_mean_follows_the_passages(self, store: Store) -> None:
        store.finish()
        texts = ["Par lettre recommandée.", "Un congé."]
        store.update([Embedded(document("leave", "Congé", *texts), (None, None))], [])
        store.finish()
        vector, each = HashedWords().embed_query("lettre recommandée"), HashedWords().embed_documents(texts)
        assert store.middles(vector, ["leave"]) == {}
        store.embed({"leave#0": to_bytes(each[0]), "leave#1": to_bytes(each[1])})
        store.finish()
        mean = [sum(numbers) for numbers in zip(*each, strict=True)]
        assert store.middles(vector, ["leave"])["leave"] == pytest.approx(_cosine(vector, mean), abs=2e-3)

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

    def test_a_word_that_only_others_say_of_a_document_is_as_rare_as_an_unknown_one(self, store: Store) -> None:
        store.update([embedded(replace(CARD, mentions="Les papiers."))], [])
        rarities = store.rarities(["papi", "xylophon"])
        assert rarities == {"papi": rarities["xylophon"], "xylophon": rarities["xylophon"]}

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

    # vectors that follow their text

    def test_text_is_found_before_its_vector_is_there(self, make_store: MakeStore) -> None:
        store = make_store("words", DIMENSION)
        store.update([Embedded(CARD, (None, None)), embedded(LEAVE)], [])
        assert [hit.id for hit in store.search(Scope.TITLES, stems("carte"), 10)] == ["card"]
        assert [hit.id for hit in store.nearest(HashedWords().embed_query("carte"), 10)] == ["leave#0"]
        assert store.statistics() == Statistics(2, 3, vectors=1, embedder="words", dimension=DIMENSION)

    def test_vectors_are_given_to_those_that_have_none(self, make_store: MakeStore) -> None:
        store = make_store("words", DIMENSION)
        store.update([Embedded(CARD, (None, None)), embedded(LEAVE)], [])
        assert len(store.unembedded("sheets", 1)) == 1
        assert sorted(passage.id for passage in store.unembedded("sheets", 10)) == ["card#0", "card#1"]
        assert {passage.id: passage for passage in store.unembedded("sheets", 10)}["card#1"] == CARD.passages[1]
        assert store.unembedded("other", 10) == []
        vectors = embedded(CARD).vectors
        store.embed({"card#0": vectors[0], "card#1": vectors[1], "gone#0": vectors[0]})  # type: ignore[dict-item]
        assert store.unembedded("sheets", 10) == []
        assert store.nearest(HashedWords().embed_query(CARD.passages[1].text), 1)[0].id == "card#1"
        assert [hit.id for hit in store.search(Scope.TITLES, stems("carte"), 10)] == ["card"]
        assert store.passages(["card#0"]) == {"card#0": CARD.passages[0]}

    def test_the_same_update_twice_is_there_once(self, store: Store) -> None:
        store.update([embedded(CARD), embedded(LICENCE)], [])
        assert store.statistics() == Statistics(3, 4, vectors=4, embedder="words", dimension=DIMENSION)
        assert len(store.search(Scope.PASSAGES, stems("carte"), 10)) == 2

    def test_what_was_written_is_found_by_whoever_comes_later(self, store: Store, make_store: MakeStore) -> None:
        store.finish()
        store.publish()
        later = make_store("words", DIMENSION)
        assert [hit.id for hit in later.search(Scope.TITLES, stems("permis"), 10)] == ["licence"]
        assert later.rarities(["perm"]) == store.rarities(["perm"])
        assert later.digests("sheets") == store.digests("sheets")
        assert later.statistics() == store.statistics()

    # what a search may find

    def test_a_search_keeps_to_its_corpora(self, store: Store) -> None:
        store.update([embedded(document("note", "Permis", "Le permis de la mairie.", corpus="notes"))], [])
        for corpora, expected in (({"notes"}, {"note"}), ({"sheets"}, {"licence"}), (set(), set())):
            within = Within(corpora=frozenset(corpora))
            assert {hit.document for hit in store.search(Scope.TITLES, stems("permis"), 10, within)} == expected
        near = store.nearest(HashedWords().embed_query("permis"), 10, Within(corpora=frozenset({"notes"})))
        assert {hit.document for hit in near} == {"note"}

    def test_a_document_for_all_audiences_is_found_for_each(self, make_store: MakeStore) -> None:
        store = make_store("words", DIMENSION)
        firm = replace(document("firm", "Impôt", "Impôt des sociétés."), audience="professionnels")
        person = replace(document("person", "Impôt", "Impôt sur le revenu."), audience="particuliers")
        store.update([embedded(firm), embedded(person), embedded(document("all", "Impôt", "L'impôt."))], [])
        found = store.search(Scope.DOCUMENTS, stems("impôt"), 10, Within(audiences=frozenset({"particuliers"})))
        assert {hit.id for hit in found} == {"person", "all"}

    def test_no_organisation_ever_finds_what_is_anothers(self, make_store: MakeStore) -> None:
        names = ["", "lyon", "Lyon", "lyon 2", "préfecture du Rhône", "*", "shared", "' OR 1=1 --"]
        store = make_store("words", DIMENSION)
        entries = [
            embedded(
                replace(
                    document(f"d{number}", f"Permis {number}", "Le permis.", "Une carte."),
                    organisation=name,
                    mentions="permis",
                )
            )
            for number, name in enumerate(name for name in names if name != "*")
        ]
        store.update(entries, [])
        store.finish()
        owners = {entry.document.id: entry.document.organisation for entry in entries}
        draw = random.Random(5)  # noqa: S311
        for _trial in range(1000):
            asker = draw.choice([*names, "nobody"])
            within = Within(organisation=asker)
            match draw.randrange(4):
                case 0:
                    found = [hit.document for hit in store.search(draw.choice(list(Scope)), ["perm"], 99, within)]
                case 1:
                    found = [
                        hit.document for hit in store.nearest([draw.random() for _ in range(DIMENSION)], 99, within)
                    ]
                case _:
                    ids = [f"d{number}#{draw.randrange(2)}" for number in range(len(names))]
                    found = [passage.document for passage in store.passages(ids, within).values()]
            assert {owners[id] for id in found} == {"", asker} & set(owners.values())

    def test_what_is_an_organisations_own_is_weighed_against_what_is_everybodys(self, make_store: MakeStore) -> None:
        store = make_store("words", DIMENSION)
        shared = [document(f"s{n}", "Stationnement" if n < 30 else f"Sujet {n}", f"Texte {n}.") for n in range(150)]
        own = document("own", "Stationnement résidentiel", "Le stationnement résidentiel.")
        store.update([*map(embedded, shared), embedded(replace(own, organisation="lyon"))], [])
        hits = store.search(Scope.TITLES, stems("stationnement résidentiel"), 5, Within("lyon"))
        assert hits[0].id == "own"
        assert hits[0].score > 2 * hits[1].score

    def test_an_organisation_is_erased_without_a_trace_of_it_or_harm_to_others(self, make_store: MakeStore) -> None:
        store = make_store("words", DIMENSION)
        theirs, others = (
            replace(document(name, "Plan", f"Le plan de {name}."), organisation=name) for name in ("lyon", "nice")
        )
        store.update([embedded(theirs), embedded(others), embedded(CARD)], [])
        store.finish()
        store.erase("lyon")
        assert store.search(Scope.TITLES, ["plan"], 9, Within("lyon")) == []
        assert store.passages(["lyon#0"], Within("lyon")) == {}
        assert store.digests("sheets").keys() == {"nice", "card"}
        assert [hit.id for hit in store.search(Scope.TITLES, ["plan"], 9, Within("nice"))] == ["nice"]
        assert store.statistics() == Statistics(2, 3, vectors=3, embedder="words", dimension=DIMENSION)
        store.erase("lyon")

    def test_only_the_index_in_use_is_left_where_the_others_are_dropped(self, make_store: MakeStore) -> None:
        store, other = make_store("words", DIMENSION), make_store("better", DIMENSION)
        other.update([embedded(replace(CARD, organisation="lyon"))], [])
        other.publish()
        with pytest.raises(ConfigurationError, match="run greffier index"):
            store.drop_others()
        assert other.statistics().documents == 1
        store.update([embedded(LEAVE)], [])
        store.publish()
        assert not store.unpublished()
        names = store.others()
        assert names
        assert store.drop_others() == names
        assert (store.others(), store.statistics().documents) == ([], 1)
        with pytest.raises(ConfigurationError, match="run greffier index"):
            make_store("better", DIMENSION).statistics()

    def test_a_document_that_changes_hands_is_gone_from_where_it_was(self, make_store: MakeStore) -> None:
        store = make_store("words", DIMENSION)
        mine = document("plan", "Plan", "Le plan de la ville.")
        for owner in ("lyon", "nice", ""):
            store.update([embedded(replace(mine, organisation=owner))], [])
            seen = {
                asker: len(store.search(Scope.TITLES, ["plan"], 9, Within(asker))) for asker in ("", "lyon", "nice")
            }
            assert seen == {asker: int(owner in ("", asker)) for asker in ("", "lyon", "nice")}
        assert store.statistics().documents == 1

    # texts of all kinds

    def test_any_letters_come_back_as_they_were(self, make_store: MakeStore) -> None:
        text = "Œuvre d'été : 25 € – « œil » 👩‍👩‍👧 العربية 中文 \\ \" ' { } % \t"
        odd = document("odd:é/1", 'Un titre "étrange" œ', text)
        store = make_store("words", DIMENSION)
        store.update([embedded(odd)], [])
        assert store.passages(["odd:é/1#0"])["odd:é/1#0"] == odd.passages[0]
        assert [hit.id for hit in store.search(Scope.DOCUMENTS, stems("oeuvre"), 5)] == ["odd:é/1"]
        assert (
            store.search(Scope.DOCUMENTS, ["'); DROP SCHEMA public CASCADE; --", '"}) { meta', "oeuvr"], 5)[0].id
            == odd.id
        )
        assert store.rarities(['"}) { meta', "oeuvr"]).keys() == {'"}) { meta', "oeuvr"}

    def test_an_index_may_be_empty(self, make_store: MakeStore) -> None:
        store = make_store("words", DIMENSION)
        store.update([], [])
        assert [hit for scope in Scope for hit in store.search(scope, ["perm"], 10)] == []
        assert store.nearest([1.0] * DIMENSION, 10) == []
        assert (store.passages(["a"]), store.digests("sheets"), store.unembedded("sheets", 10)) == ({}, {}, [])
        assert store.statistics() == Statistics(0, 0, vectors=0, embedder="words", dimension=DIMENSION)

    def test_a_long_question_is_searched(self, store: Store) -> None:
        many = [f"mot{number}" for number in range(600)]
        assert store.search(Scope.TITLES, [*many, "perm"], 10)[0].id == "licence"
        assert len(store.rarities([*many, "perm"])) == 601


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True)) / (math.hypot(*one) * math.hypot(*other))


def _vector(draw: random.Random) -> list[float]:
    return [draw.random() for _ in range(DIMENSION)]
