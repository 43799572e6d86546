"""Validated past answers."""

from __future__ import annotations

import json
import time
from datetime import date
from pathlib import Path

import pytest

from chains.corpora.answers import MAX_ANSWER, MAX_TITLE, read_answers
from chains.corpora.document import Document
from connector.errors import ConfigurationError

EXPORT = (
    "Titre;Description;Pseudonyme usager;Écrit le;Ressenti usager;Démarches saisies par usager;"
    "Intitulé département usager;Intitulé typologie 1;Intitulé structure 1;Réponse structure 1;"
    "Intitulé structure 2;Réponse structure 2;Intitulé structure 3;Réponse structure 3\r\n"
    '12;"Ma demande, « traitée »";Lilou75;03/02/2024;Négatif;Carte grise;Ardèche;Papiers;ANTS;'
    '"Bonjour Lilou75,\r\nVotre titre est parti le 2 février ; il arrive sous 5 jours.";'
    "Mairie;Nous l'avons.;;\r\n"
    "Sans réponse;Rien;Zoé99;04/02/2024;Neutre;;;;;;;;;\r\n"
)
"""Written for this test, with the columns of the public export of Services Publics+."""


def read(path: Path, unreadable: list[str] | None = None, notes: list[str] | None = None) -> list[Document]:
    left, told = ([] if given is None else given for given in (unreadable, notes))
    return list(read_answers(path, corpus="past", unreadable=left, notes=told))


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def test_a_line_of_json_is_an_answer_under_its_question(tmp_path: Path) -> None:
    row = {
        "question": "Puis-je établir un seul contrat ?",
        "answer": "Non.\nUn contrat par enfant.",
        "theme": "Travail",
        "date": "01/12/2017",
        "url": "https://town.test/a",
    }
    (found,) = read(write(tmp_path / "a.jsonl", json.dumps(row) + "\n\n"))
    assert (found.title, found.date, found.url) == (row["question"], date(2017, 12, 1), row["url"])
    assert (found.corpus, found.theme) == ("past", "Travail")
    assert [passage.text for passage in found.passages] == ["Non.\nUn contrat par enfant."]


def test_each_administrations_answer_in_the_public_export_is_a_document(tmp_path: Path) -> None:
    first, second = read(write(tmp_path / "a.csv", EXPORT))
    assert (first.title, first.date, first.theme) == ("12", date(2024, 2, 3), "Papiers")
    assert first.passages[0].path == ("Question : Ma demande, « traitée »", "Réponse : ANTS")
    assert second.passages[0].path[-1] == "Réponse : Mairie"
    assert {first.id[-2:], second.id[-2:]} == {"/1", "/2"}


def test_who_asked_is_not_indexed(tmp_path: Path) -> None:
    text = "".join(document.text for document in read(write(tmp_path / "a.csv", EXPORT)))
    assert "Lilou75" not in text
    assert "Bonjour [usager]," in text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_what_spreadsheets_write_is_read(encoding: str, delimiter: str, tmp_path: Path) -> None:
    lines = [["Question", "Réponse"], ["Où s’inscrire ?", '"À la mairie ; ou en ligne, c\'est gratuit"']]
    text = "\n".join(delimiter.join(cells) for cells in lines)
    (found,) = read(write(tmp_path / "a.csv", text, encoding))
    assert found.title == "Où s'inscrire ?"
    assert found.passages[0].text == "À la mairie ; ou en ligne, c'est gratuit"


def test_an_answer_in_html_loses_its_tags(tmp_path: Path) -> None:
    row = {"question": "Quoi ?", "answer": "<p>Il faut&nbsp;:</p><ul><li>une photo</li></ul>"}
    (found,) = read(write(tmp_path / "a.jsonl", json.dumps(row)))
    assert found.passages[0].text == "Il faut :\n- une photo"


def test_the_id_stays_when_rows_change_their_order_and_a_row_that_recurs_is_one_document(tmp_path: Path) -> None:
    rows = [json.dumps({"question": f"Q{n} ?", "answer": f"R{n}."}) for n in (1, 2)]
    first = {document.id for document in read(write(tmp_path / "a.jsonl", "\n".join(rows)))}
    second = {document.id for document in read(write(tmp_path / "b.jsonl", "\n".join([rows[1], rows[0], rows[1]])))}
    assert first == second
    assert len(read(tmp_path)) == 2


def test_an_id_of_ones_own_is_kept(tmp_path: Path) -> None:
    assert [d.id for d in read(write(tmp_path / "a.csv", "id,question,answer\n7,Q ?,R."))] == ["past:7"]


def test_a_long_question_is_cut_at_a_word(tmp_path: Path) -> None:
    (found,) = read(write(tmp_path / "a.jsonl", json.dumps({"question": "mot " * 100, "answer": "R."})))
    assert len(found.title) <= MAX_TITLE
    assert found.title.endswith("mot…")


def test_an_address_that_is_none_of_the_web_is_no_address(tmp_path: Path) -> None:
    (found,) = read(write(tmp_path / "a.jsonl", json.dumps({"question": "Q", "answer": "R", "url": "javascript:x"})))
    assert found.url == ""


@pytest.mark.parametrize("line", ["{", "[1]", '"text"', "[" * 50_000])
def test_a_line_that_is_no_object_is_named_and_the_others_are_read(line: str, tmp_path: Path) -> None:
    unreadable: list[str] = []
    good = json.dumps({"question": "Q ?", "answer": "R."})
    assert len(read(write(tmp_path / "a.jsonl", f"{good}\n{line}\n"), unreadable)) == 1
    assert unreadable == [f"{tmp_path / 'a.jsonl'}: line 2: no JSON object"]


def test_a_field_that_never_ends_is_named(tmp_path: Path) -> None:
    unreadable: list[str] = []
    read(write(tmp_path / "a.csv", f'question,answer\nQ ?,R.\nQ2 ?,"{"x" * 200_000}'), unreadable)
    assert unreadable == [f"{tmp_path / 'a.csv'}: from line 3 on: field larger than field limit (131072)"]


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.csv", "nom;prénom\nx;y\n"), ("a.csv", ""), ("a.jsonl", '{"nom": 1}'), ("a.jsonl", ""), ("a.csv", "\x00\x01")],
)
def test_a_file_of_something_else_is_an_error_that_names_it(name: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=name):
        read(write(tmp_path / name, text))


def test_an_error_says_which_columns_were_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"question, titre.*answer, reponse.*Found: nom, prénom"):
        read(write(tmp_path / "a.csv", "nom;prénom\nx;y\n"))


@pytest.mark.parametrize("name", ["missing.csv", "a.txt", "."])
def test_a_path_without_answers_is_an_error_that_says_what_to_give(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ConfigurationError, match=r"\.jsonl"):
        read(tmp_path / name)


def test_files_that_are_both_numbered_from_1_lose_nothing_and_what_recurs_is_told(tmp_path: Path) -> None:
    write(tmp_path / "2024.csv", "numero,question,answer\n1,Q ?,R.\n2,Q2 ?,R2.\n")
    write(tmp_path / "2025.csv", "numero,question,answer\n1,Q3 ?,R3.\n2,Q2 ?,R2.\n3,Q4 ?,R4.\n1,Q3 ?,R3.\n")
    notes: list[str] = []
    found = read(tmp_path, notes=notes)
    assert [document.title for document in found] == ["Q ?", "Q2 ?", "Q3 ?", "Q4 ?"]
    assert [document.id for document in found if "Q3" not in document.title] == ["past:1", "past:2", "past:3"]
    assert notes == [f"{tmp_path / '2025.csv'}: 2 answers that were there before are left out"]


def test_an_answer_that_is_cut_is_told(tmp_path: Path) -> None:
    notes: list[str] = []
    row = json.dumps({"question": "Q ?", "answer": "mot " * (MAX_ANSWER // 4 + 1)})
    assert len(read(write(tmp_path / "a.jsonl", row), notes=notes)) == 1
    assert notes == [f"{tmp_path / 'a.jsonl'}: 1 answers are cut after 100000 characters"]


def test_an_answer_that_is_nested_too_deeply_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    unreadable: list[str] = []
    rows = [json.dumps({"question": "Q ?", "answer": answer}) for answer in ("<div>" * 15_000 + "x", "R.")]
    assert len(read(write(tmp_path / "a.jsonl", "\n".join(rows)), unreadable)) == 1
    assert unreadable == [f"{tmp_path / 'a.jsonl'}: line 1: its elements are nested too deeply"]


def test_a_long_pseudonym_takes_no_time(tmp_path: Path) -> None:
    row = {"question": "Q ?", "answer": "a " * 40_000 + "b", "auteur": "a " * 30_000}
    start = time.monotonic()
    assert read(write(tmp_path / "a.jsonl", json.dumps(row)))
    assert time.monotonic() - start < 5


def test_what_a_database_refuses_is_in_no_document(tmp_path: Path) -> None:
    row = {"id": "7\0", "question": "Q\0 ?", "answer": "R\0\ud800.", "url": "https://t.test/\0", "theme": "T\0"}
    (found,) = read(write(tmp_path / "a.jsonl", json.dumps(row)))
    assert (found.id, found.url) == ("past:7", "https://t.test/")
    assert not {"\0", "\ud800"} & set(repr_of(found))


def repr_of(document: Document) -> str:
    parts = (document.id, document.title, document.url, document.theme, document.mentions)
    return "".join([*parts, *("".join((*found.path, found.text, found.id)) for found in document.passages)])
