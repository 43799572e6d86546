"""The labour ministry's sheets."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from chains.corpora.document import Document, body
from chains.corpora.travail import read_travail
from connector.errors import ConfigurationError
from tests.conftest import FIXTURES

SHEETS = FIXTURES / "travail"
"""Two sheets of the package; see its README.md."""


def read(path: Path, unreadable: list[str] | None = None) -> list[Document]:
    return list(read_travail(path, corpus="travail", unreadable=[] if unreadable is None else unreadable))


def given(path: Path, *sheets: Any) -> Path:
    (path / "fiches-travail.json").write_text(json.dumps(sheets))
    return path


def sheet(**changed: Any) -> dict[str, Any]:
    section = {"title": "Durée", "html": "<p>Deux mois.</p>"}
    return {
        "pubId": "a1",
        "title": "Essai",
        "url": "https://t.test/a1",
        "date": "13/11/2025",
        "sections": [section],
    } | changed


def test_the_sheets_of_the_package_are_read_with_their_title_address_and_date() -> None:
    found = read(SHEETS)
    assert [(document.title, document.date) for document in found] == [
        ("Le contrat de travail temporaire", date(2025, 7, 3)),
        ("Les délégués syndicaux", date(2025, 11, 13)),
    ]
    assert found[1].url == "https://travail-emploi.gouv.fr/les-delegues-syndicaux"
    assert found[1].id == "travail:article375542"


def test_the_title_of_a_section_is_the_path_of_its_text() -> None:
    (found,) = [p for document in read(SHEETS) for p in document.passages if "18 mois | Fin de l'absence" in p.text]
    assert "Quelle est la durée du contrat ?" in body(found)


def test_no_tag_and_no_entity_stays() -> None:
    text = "".join(document.text for document in read(SHEETS))
    assert not [sign for sign in ("</", "<p", "&nbsp;", "&amp;", "\u00a0") if sign in text]


def test_lists_of_links_and_what_is_said_in_videos_are_left_out() -> None:
    paths = {title for document in read(SHEETS) for passage in document.passages for title in passage.path}
    text = "".join(document.text for document in read(SHEETS))
    assert not paths & {"Textes de référence", "À lire sur ce site"}
    assert "c’est Honorine" not in text
    assert "retranscription" not in text


def test_a_sheet_that_is_something_else_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    unreadable: list[str] = []
    found = read(
        given(tmp_path, "text", {"pubId": "a0"}, sheet(sections=[{}]), sheet(), sheet(sections=[])), unreadable
    )
    assert [document.id for document in found] == ["travail:a1"]
    assert [one.split(": ")[1] for one in unreadable] == ["sheet 0", "sheet 1", "sheet 2"]


@pytest.mark.parametrize("content", ["", "{", "{}", "[" * 100_000])
def test_a_file_of_something_else_is_an_error_that_names_it(content: str, tmp_path: Path) -> None:
    (tmp_path / "fiches-travail.json").write_text(content)
    with pytest.raises(ConfigurationError, match=r"fiches-travail\.json"):
        read(tmp_path)


def test_a_folder_without_the_file_is_an_error_that_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"give that file"):
        read(tmp_path)
