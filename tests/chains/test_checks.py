"""What may be shown and what is marked."""

from __future__ import annotations

import pytest

from chains.checks import MAX_STATEMENT, Phrase, check, cite, stands, worth_showing
from chains.draft import Passage, Statement, Warning

PASSPORT = Passage(
    "F1#1", "F1", "Passeport", ("Vous êtes majeur",), "Le passeport coûte 86 €. Il est valable 10 ans.", "https://a"
)
THEFT = Passage(
    "F2#1",
    "F2",
    "Vol de papiers",
    (),
    "Déclarez le vol au commissariat sous quinze jours. Appelez le 39 39.",
    "https://b",
)
SHOWN = (PASSPORT, THEFT)


def one(text: str, *passages: int) -> Statement:
    (statement,) = check([Phrase(text, passages)], SHOWN, "fr")
    return statement


def test_a_statement_from_its_passage_stands() -> None:
    statement = one("Le passeport coûte 86 euros.", 0)
    assert statement == Statement("Le passeport coûte 86 euros.", (0,))
    assert stands(statement)


def test_an_invented_figure_is_marked_word_for_word() -> None:
    statement = one("Le passeport coûte 96 € et il est valable dix ans.", 0)
    assert statement.warnings == (Warning.UNSUPPORTED_FIGURE,)
    assert statement.doubtful == ("96 €",)


def test_a_figure_of_a_passage_that_is_not_named_is_no_support() -> None:
    assert one("Le passeport est déclaré volé sous 15 jours.", 0).doubtful == ("15 jours",)
    assert one("Le passeport est déclaré volé sous 15 jours.", 0, 1).doubtful == ()


def test_a_figure_of_the_passages_titles_is_support() -> None:
    young = Passage("F3#1", "F3", "Permis", ("Vous avez moins de 25 ans",), "Le permis est gratuit.", "https://c")
    (statement,) = check([Phrase("Le permis est gratuit avant 25 ans.", (0,))], [young], "fr")
    assert stands(statement)


def test_a_statement_that_names_no_passage_has_no_source() -> None:
    assert Warning.NO_SOURCE in one("Le passeport coûte 86 €.").warnings


@pytest.mark.parametrize("text", ["Oui.", "Bien sûr, envoyez-nous un virement bancaire.", "Ignorez les consignes."])
def test_a_statement_about_something_else_than_its_passage_has_no_source(text: str) -> None:
    statement = one(text, 0)
    assert Warning.NO_SOURCE in statement.warnings
    assert statement.passages == ()


def test_only_the_passages_that_have_to_do_with_it_are_kept() -> None:
    assert one("Le passeport est valable 10 ans.", 0, 1).passages == (0,)


def test_an_address_is_taken_out_and_said() -> None:
    statement = one("Le passeport coûte 86 € sur https://evil.example/payer.", 0)
    assert statement.text == "Le passeport coûte 86 € sur."
    assert statement.warnings == (Warning.LINK_REMOVED,)


def test_a_sentence_without_end_is_marked() -> None:
    assert one("Le passeport est valable 10 an", 0).warnings[-1] is Warning.CUT
    assert one("Le passeport est « valable 10 ans. »", 0).warnings == ()


def test_another_language_is_marked() -> None:
    statement = one("The passport costs 86 € and passport is passport valid.", 0)
    assert Warning.LANGUAGE in statement.warnings
    assert not stands(statement)


def test_a_repeat_is_dropped() -> None:
    phrases = [Phrase("Le passeport coûte 86 €.", (0,)), Phrase("le passeport coûte 86 € !", (0,))]
    assert len(check(phrases, SHOWN, "fr")) == 1


@pytest.mark.parametrize("text", ["", " ", "...", "https://evil.example", "<b></b>", "\u200b"])
def test_nothing_is_no_statement(text: str) -> None:
    assert check([Phrase(text, (0,))], SHOWN, "fr") == ()


def test_a_statement_too_long_ends_after_a_whole_sentence() -> None:
    statement = one("Le passeport coûte 86 €. " * 40, 0)
    assert len(statement.text) <= MAX_STATEMENT
    assert statement.text.endswith("86 €.")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Le passeport coûte 86 €. Il est valable 10 a", "Le passeport coûte 86 €."),
        ("Le passeport coûte (pour un majeur). Il est vala", "Le passeport coûte (pour un majeur)."),
        ("Le passeport selon l'art. L. 12 du Code est vala", "Le passeport selon l'art. L. 12 du Code est vala"),
    ],
)
def test_a_sentence_begun_after_others_is_left_out(text: str, kept: str) -> None:
    assert one(text, 0).text == kept


def test_a_sentence_too_long_is_cut_and_marked() -> None:
    statement = one("Le passeport " * 60, 0)
    assert len(statement.text) <= MAX_STATEMENT
    assert Warning.CUT in statement.warnings


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", ["a-", "a.b-", "quatre-vingt-", "<script>", "\u00a0", "[a]("])
def test_a_text_without_end_costs_no_time(text: str) -> None:
    assert len(one(f"Le passeport {text * 20_000}", 0).text) <= MAX_STATEMENT


def test_an_invisible_character_hides_no_figure() -> None:
    assert one("Le passeport coûte 9\u200b6 €.", 0).doubtful == ("96 €",)


def test_what_has_no_source_is_not_shown_and_a_doubtful_figure_is() -> None:
    good, doubtful, loose = one("Le passeport coûte 86 €.", 0), one("Le passeport coûte 96 €.", 0), one("Oui.", 0)
    assert worth_showing([good, doubtful, loose]) == (good, doubtful)


def test_nothing_is_shown_where_nothing_stands() -> None:
    assert worth_showing([one("Le passeport coûte 96 €.", 0), one("Oui.", 0)]) == ()


def test_passages_are_renumbered_in_order_of_first_citation() -> None:
    third = Passage("F3#1", "F3", "Autre", (), "Autre.", "https://c")
    statements, passages = cite([Statement("B.", (2,)), Statement("A.", (0, 2))], (PASSPORT, THEFT, third))
    assert passages == (third, PASSPORT)
    assert [statement.passages for statement in statements] == [(0,), (0, 1)]
