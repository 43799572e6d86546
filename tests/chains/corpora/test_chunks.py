"""Sections to passages."""

from __future__ import annotations

from chains.corpora.chunks import MAX_CHUNK, Section, chunks

LONG = "Le délai est de deux mois à compter de la notification de la décision. " * 9  # over 600 characters


def test_paragraphs_of_a_section_are_packed_up_to_the_limit() -> None:
    found = chunks([Section(("Délais",), [LONG.strip()] * 3)])
    assert [path for path, _ in found] == [("Délais",)]  # three equal pieces are one
    assert len(found[0][1]) <= MAX_CHUNK


def test_a_case_keeps_its_title_where_it_shares_a_passage_with_another_case() -> None:
    found = chunks([Section(("Âge", "Moins de 25 ans"), ["Non."]), Section(("Âge", "25 ans ou plus"), ["Oui."])])
    assert found == [((), "Âge > Moins de 25 ans : Non.\nÂge > 25 ans ou plus : Oui.")]


def test_a_case_that_fills_a_passage_has_its_title_in_the_path() -> None:
    found = chunks([Section(("Cas A",), [LONG]), Section(("Cas B",), [LONG])])
    assert [path for path, _ in found] == [("Cas A",), ("Cas B",)]


def test_a_list_that_is_cut_says_again_what_it_is_a_list_of() -> None:
    items = [f"- pièce numéro {number} {'x' * 100}" for number in range(15)]
    first, second = chunks([Section((), ["Il faut fournir :", *items])])
    assert first[1].startswith("Il faut fournir :")
    assert second[1].startswith("Il faut fournir :\n- pièce")


def test_a_small_piece_joins_the_passage_before_it_and_a_small_passage_takes_in_the_next_piece() -> None:
    lengths = (600, 100, 300, 301, 602)
    sections = [Section((), [str(number) * length]) for number, length in enumerate(lengths)]
    sizes = [len(text) for _, text in chunks(sections)]
    assert sizes == [600 + 1 + 100, 300 + 1 + 301, 602]


def test_a_sentence_without_end_is_cut_at_a_word() -> None:
    found = chunks([Section((), [" ".join(map(str, range(700)))])])
    assert " ".join(text for _, text in found).split() == [str(number) for number in range(700)]
    assert all(len(text) <= MAX_CHUNK for _, text in found)


def test_a_paragraph_over_the_limit_is_cut_at_the_ends_of_sentences() -> None:
    found = chunks([Section((), [LONG * 3])])
    assert all(text.endswith("décision.") and len(text) <= MAX_CHUNK for _, text in found)


def test_no_text_is_lost() -> None:
    sections = [Section((str(number),), [f"mot{number} " * 40, f"- suite{number}"]) for number in range(30)]
    text = "\n".join(text for _, text in chunks(sections))
    assert all(f"mot{number} " in text and f"- suite{number}" in text for number in range(30))
