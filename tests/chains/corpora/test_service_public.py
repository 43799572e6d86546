"""The official sheets."""

from __future__ import annotations

import json
import logging
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from chains.corpora import feed
from chains.corpora.chunks import MAX_ANNOUNCEMENT, MAX_CHUNK
from chains.corpora.document import Document, body, searchable
from chains.corpora.service_public import parse_sheet, read_service_public
from connector.errors import ConfigurationError
from tests.conftest import FIXTURES
from webhooks.demo.corpus import FEED

SHEET = """<?xml version="1.0" encoding="UTF-8"?>
<Publication xmlns:dc="http://purl.org/dc/elements/1.1/" ID="F1" type="Fiche d'information" spUrl="https://sp.test/F1">
<dc:title>Carte\u00a0grise</dc:title><dc:description>Résumé de la fiche.</dc:description>
<dc:date>modified 2020-09-02</dc:date><Audience>Particuliers</Audience>
<DossierPere ID="N1"><Titre>Menu</Titre><Fiche ID="F2">Autre fiche du menu</Fiche></DossierPere>{body}</Publication>"""


def sheet(body: str) -> Document:
    sheet = parse_sheet(SHEET.format(body=body).encode(), corpus="sp")
    assert sheet is not None
    return sheet.document


def read(path: Path, unreadable: list[str] | None = None) -> Iterator[Document]:
    return read_service_public(path, corpus="sp", unreadable=[] if unreadable is None else unreadable)


def text(body: str) -> str:
    return "\n".join(passage.text for passage in sheet(f"<Texte>{body}</Texte>").passages)


@pytest.fixture(scope="module")
def sample() -> dict[str, Document]:
    return {document.id: document for document in read(FEED)}


def test_every_live_sheet_of_the_sample_is_read_with_its_title_address_and_date(sample: dict[str, Document]) -> None:
    index = json.loads((FIXTURES / "service_public" / "index.json").read_text())
    live = {f"sp:{x['audience']}/{x['id']}": x for x in index if x["id"].startswith("F") and x["url"]}
    assert sample.keys() == live.keys()
    for id, document in sample.items():
        found = document.title, document.url, str(document.date)
        assert found == (" ".join(live[id]["title"].split()), live[id]["url"], live[id]["date"])


def test_a_withdrawn_sheet_is_skipped(sample: dict[str, Document]) -> None:
    assert not [id for id in sample if id.endswith(("F22553", "R10265"))]


def test_no_text_of_the_sample_is_longer_than_a_passage_may_be(sample: dict[str, Document]) -> None:
    lengths = [len(passage.text) for document in sample.values() for passage in document.passages]
    assert max(lengths) <= MAX_CHUNK + MAX_ANNOUNCEMENT


def test_passages_of_a_document_have_ids_of_their_own(sample: dict[str, Document]) -> None:
    ids = [passage.id for document in sample.values() for passage in document.passages]
    assert len(ids) == len(set(ids))


def test_the_titles_that_lead_to_a_text_are_its_path() -> None:
    found = sheet(
        "<Texte><Chapitre><Titre><Paragraphe>Coût</Paragraphe></Titre><BlocCas><Cas><Titre>Moins de 25 ans</Titre>"
        f"<Paragraphe>{'Gratuit. ' * 110}</Paragraphe></Cas></BlocCas></Chapitre></Texte>"
    )
    assert found.passages[-1].path == ("Coût", "Moins de 25 ans")


def test_inline_elements_keep_their_text_and_lose_their_tags() -> None:
    given = (
        'Il paie <Valeur>750 €</Valeur> au <LienInterne LienPublication="F9">fisc</LienInterne><Exposant>2</Exposant>.'
    )
    assert "Il paie 750 € au fisc2." in text(f"<Paragraphe>{given}</Paragraphe>")


def test_a_table_is_read_row_by_row() -> None:
    row = (
        "<Rangée><Cellule><Paragraphe>{}</Paragraphe></Cellule><Cellule><Paragraphe>{}</Paragraphe></Cellule></Rangée>"
    )
    table = f"<Tableau><Titre>Tarifs</Titre>{row.format('Âge', 'Prix')}{row.format('18 ans', '25 €')}</Tableau>"
    assert "Tarifs\nÂge | Prix\n18 ans | 25 €" in text(table)


def test_the_items_of_a_list_are_lines_and_a_list_within_stays_with_its_item() -> None:
    item = "<Item><Paragraphe>{}</Paragraphe>{}</Item>"
    inner = f"<Liste>{item.format('photo', '')}{item.format('acte', '')}</Liste>"
    assert "- Pièces photo ; acte\n- Chèque" in text(
        f"<Liste>{item.format('Pièces', inner)}{item.format('Chèque', '')}</Liste>"
    )


def test_a_warning_is_kept_under_its_title() -> None:
    found = sheet(
        "<Avertissement><Titre>Covid-19</Titre><Texte><Paragraphe>Délais allongés.</Paragraphe></Texte></Avertissement>"
    )
    assert "Covid-19 : Délais allongés." in body(found.passages[0])


def test_menus_and_addresses_are_left_out() -> None:
    found = sheet("<Texte><Paragraphe>Le corps.</Paragraphe><OuSAdresser><Titre>Mairie</Titre></OuSAdresser></Texte>")
    assert "Menu" not in found.text
    assert "Mairie" not in found.text


def test_text_that_is_shown_to_some_readers_only_says_so() -> None:
    found = text(
        "<FragmentConditionne><Condition/><Paragraphe>Joindre le titre de séjour.</Paragraphe></FragmentConditionne>"
    )
    assert "Selon la situation : Joindre le titre de séjour." in found


def test_spaces_and_apostrophes_become_ordinary() -> None:
    assert "l'aide de 1 000 €" in text("<Paragraphe>l’aide\u202fde  1\u00a0000\t€\u200b</Paragraphe>")
    assert sheet("<Texte/>").title == "Carte grise"


def test_the_title_and_the_path_are_searched_with_the_text() -> None:
    document = sheet("<Texte><Chapitre><Titre>Coût</Titre><Paragraphe>Gratuit.</Paragraphe></Chapitre></Texte>")
    assert searchable(document.passages[0]) == "Carte grise\nRésumé de la fiche.\nCoût : Gratuit."


@pytest.mark.parametrize(
    "content",
    [
        b"<Publication",
        b"<html><body>Erreur 500</body></html>",
        b'<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]><Publication ID="F1">&x;</Publication>',
        b'<!DOCTYPE p [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><Publication ID="F1">&b;</Publication>',
        SHEET.format(body=f"{'<Texte>' * 50_000}{'</Texte>' * 50_000}").encode(),
        b"",
    ],
    ids=["cut", "not a sheet", "external entity", "entities", "deep", "empty"],
)
def test_a_broken_file_is_reported_and_the_others_are_read(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "F1.xml").write_bytes(content)
    (tmp_path / "F2.xml").write_text(SHEET.format(body="<Texte><Paragraphe>Bon.</Paragraphe></Texte>"))
    with caplog.at_level(logging.WARNING, "greffier.corpus"):
        assert len(list(read(tmp_path))) == 1
    assert "F1.xml is left out" in caplog.text


def test_a_file_over_the_limit_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MAX_SHEET_BYTES", 2000)
    with zipfile.ZipFile(tmp_path / "feed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("F1.xml", SHEET.format(body=f"<Texte><Paragraphe>{'a' * 10_000}</Paragraphe></Texte>"))
        archive.writestr("F3.xml", SHEET.format(body="").replace('"F1"', '"F3"'))
    assert [document.id for document in read(tmp_path)] == ["sp:particuliers/F3"]


def test_a_damaged_member_is_left_out_and_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "feed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "F1.xml", SHEET.format(body="<Texte>" + "".join(f"<P>{n}</P>" for n in range(2000)) + "</Texte>")
        )
        archive.writestr("F3.xml", SHEET.format(body="").replace('"F1"', '"F3"'))
    content = bytearray((tmp_path / "feed.zip").read_bytes())
    content[200:240] = b"\xff" * 40
    (tmp_path / "feed.zip").write_bytes(content)
    unreadable: list[str] = []
    assert [document.id for document in read(tmp_path, unreadable)] == ["sp:particuliers/F3"]
    assert [one.split(":")[1] for one in unreadable] == ["F1.xml"]


def test_a_summary_that_the_source_has_cut_ends_with_its_last_sentence() -> None:
    cut = "Vous devez déclarer la perte. Si vous avez perdu un portefeuille ou un sac dans lequel se trouvaient tous"
    sheet_with = SHEET.format(body="<Texte><Paragraphe>Le corps.</Paragraphe></Texte>")
    content = sheet_with.replace("Résumé de la fiche.", f"{cut} vos papiers d'identité, la décl").encode()
    read_sheet = parse_sheet(content, corpus="sp")
    assert read_sheet is not None
    assert read_sheet.document.text.count("Vous devez déclarer la perte.") == 1
    assert "la décl" not in read_sheet.document.text


def test_a_feed_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MAX_FEED_BYTES", 10_000)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(20):
            archive.writestr(f"F{number}.xml", b" " * 1000)
    with pytest.raises(ConfigurationError, match="it is not the feed"):
        list(read(tmp_path / "bomb.zip"))


def test_a_name_that_climbs_out_of_the_zip_is_only_a_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "feed.zip", "w") as archive:
        archive.writestr("../../F1.xml", SHEET.format(body=""))
    assert len(list(read(tmp_path / "feed.zip"))) == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "feed.zip"]


def test_a_folder_of_zips_is_one_feed(tmp_path: Path) -> None:
    for name, audience in (("part.zip", "Particuliers"), ("pro.zip", "Professionnels")):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("F1.xml", SHEET.format(body="").replace("Particuliers", audience))
    found = list(read(tmp_path))
    assert [(d.id, d.corpus, d.audience) for d in found] == [
        ("sp:particuliers/F1", "sp", "particuliers"),
        ("sp:professionnels/F1", "sp", "professionnels"),
    ]


@pytest.mark.parametrize("name", ["empty", "missing", "text.zip"])
def test_a_path_without_sheets_is_an_error_that_says_what_to_give(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("not a zip")
    with pytest.raises(ConfigurationError, match=name):
        list(read(tmp_path / name))
