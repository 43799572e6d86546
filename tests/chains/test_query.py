"""Several questions of one message, and a translation."""

from __future__ import annotations

import pytest

from chains.query import MAX_PARTS, ORIGINAL_WEIGHT, Search, questions, searches

PASSPORT = "Combien coûte un passeport pour un enfant de douze ans ?"
FENCE = "Faut-il une autorisation pour construire une clôture ?"
VOTE = "Comment donner procuration à ma sœur pour voter ?"


@pytest.mark.parametrize(
    "text",
    [
        f"{PASSPORT} {FENCE}",
        f"{PASSPORT}\n\n{FENCE}",
        f"1) {PASSPORT}\n2) {FENCE}",
        f"1. {PASSPORT}\n2. {FENCE}",
        f"- {PASSPORT}\n- {FENCE}",
    ],
)
def test_several_questions_are_told_apart(text: str) -> None:
    assert questions(text) == (PASSPORT, FENCE)


def test_a_number_within_a_question_is_no_mark_of_it() -> None:
    permit = "Le code est raté le 3. Quand repasser l'examen du permis ?"
    assert questions(f"- {permit}\n- {FENCE}") == (permit, FENCE)


@pytest.mark.parametrize("turn", ["Par ailleurs,", "D'autre part,", "Autre question :", "Ma deuxième question :"])
def test_a_turn_begins_another_question_without_a_question_mark(turn: str) -> None:
    text = f"Je voudrais savoir combien coûte le passeport d'un bébé. {turn} pouvez-vous dire qui autorise une clôture"
    first, second = questions(text)
    assert (first, second.startswith(turn)) == (text[: text.index(turn) - 1], True)


def test_what_is_told_before_and_after_a_question_stays_with_it() -> None:
    before, after = "Ma fille part en Italie en mai.", "Nous habitons Villefictive depuis un an."
    first, second = questions(f"{before} {PASSPORT} {FENCE} {after}")
    assert (first, second) == (f"{before} {PASSPORT}", f"{FENCE} {after}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        PASSPORT,
        f"{PASSPORT} Et le délai ?",
        "Est-ce vrai ??? Ai-je droit au RSA à vingt ans ?",
        "J'ai fourni :\n- une photo d'identité récente\n- un justificatif de domicile\nQue manque-t-il à ma demande ?",
        "Le dossier est parti le 3. Par ailleurs, j'ai payé le timbre fiscal. Quand aurai-je mon passeport ?",
    ],
)
def test_one_question_stays_whole(text: str) -> None:
    assert questions(text) == ()


def test_more_questions_than_are_searched_for_apart_stand_in_the_last() -> None:
    parts = questions(f"{PASSPORT} {FENCE} {VOTE} Quelles aides existent pour rénover une toiture ?")
    assert len(parts) == MAX_PARTS
    assert parts[-1] == f"{VOTE} Quelles aides existent pour rénover une toiture ?"


def test_the_whole_is_searched_for_first_and_each_question_beside_it() -> None:
    assert searches("both", ("one", "other"), "fr") == (Search("both"), Search("one"), Search("other"))


def test_a_translation_takes_the_place_of_the_text_which_counts_less() -> None:
    found = searches("How much?", (), "en", f"{PASSPORT} {FENCE}")
    assert found[0] == Search(f"{PASSPORT} {FENCE}")
    assert found[1:3] == (Search(PASSPORT), Search(FENCE))
    assert found[-1] == Search("How much?", "en", ORIGINAL_WEIGHT)
